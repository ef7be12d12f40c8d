// Makes texts of UTF-8 bytes, and for bytes that were seen a moment ago gives the same string again, as most texts of
// events are. That takes no memory, and what counts by such a string finds its hash computed already.

/** Each text has one place, by its hash. One that comes twice replaces the one that has it: many texts come but once. */
const PLACES = 1 << 14;
/** Longer texts are rarely seen twice. */
const MAX_BYTES = 256;
/** Of those that are not longer than so many words of four bytes, the words are kept as well: to compare these is quicker. */
const WORDS = 16;
/** The length of one of which they are not. */
const NO_WORDS = 0xffff;

/** The bits that no four bytes of ASCII have. */
const NOT_ASCII = 0x80808080;
/** The hash is like FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), but fed four bytes at a time. So it has another factor, the one
 *  of Fibonacci hashing, and the first bits of what comes out are added to the last ones. */
const BASIS = 0x811c9dc5 | 0;
const FACTOR = 0x9e3779b1;

export class Texts {
  readonly #places: string[] = Array(PLACES).fill("");
  readonly #lengths = new Uint16Array(PLACES);
  readonly #words = new Int32Array(PLACES * WORDS);
  /** By place, the hash of the text that was read last and did not have it. */
  readonly #waiting = new Int32Array(PLACES);
  /** Those of the text that is being read. */
  readonly #read = new Int32Array(MAX_BYTES / 4);
  #hash = 0;

  /** A hash of the text that was read last, of 32 bits, signed; 0 when it is not ASCII, or very long. */
  get hash(): number {
    return this.#hash;
  }

  /** The text of the bytes from `start` up to `end`. What is no UTF-8 in them becomes U+FFFD. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    this.#hash = 0;
    if (length > MAX_BYTES) return bytes.toString("utf8", start, end);
    let hash = BASIS;
    let seen = 0;
    let words = 0;
    for (let at = start; at < end; at += 4) {
      const word = at + 4 <= end ? wordAt(bytes, at) : lastWordAt(bytes, at, end);
      seen |= word;
      hash = Math.imul(hash ^ word, FACTOR);
      hash ^= hash >>> 15;
      this.#read[words] = word;
      words += 1;
    }
    // Only of ASCII is each byte a character, so that text and bytes can be compared.
    if ((seen & NOT_ASCII) !== 0) return bytes.toString("utf8", start, end);
    this.#hash = hash === 0 ? 1 : hash;
    const place = hash & (PLACES - 1);
    const known = this.#places[place] ?? "";
    const isKnown =
      words > WORDS
        ? isSame(known, bytes, start, end)
        : this.#lengths[place] === length && this.#hasWords(place, words);
    return isKnown ? known : this.#make(place, words, bytes, start, end);
  }

  #hasWords(place: number, words: number): boolean {
    const first = place * WORDS;
    for (let index = 0; index < words; index += 1) {
      if (this.#words[first + index] !== this.#read[index]) return false;
    }
    return true;
  }

  #make(place: number, words: number, bytes: Buffer, start: number, end: number): string {
    const text = bytes.toString("latin1", start, end);
    if (this.#waiting[place] === this.#hash) this.#put(place, text, words);
    else this.#waiting[place] = this.#hash;
    return text;
  }

  #put(place: number, text: string, words: number): void {
    this.#places[place] = text;
    this.#lengths[place] = words > WORDS ? NO_WORDS : text.length;
    if (words > WORDS) return;
    for (let index = 0; index < words; index += 1)
      this.#words[place * WORDS + index] = this.#read[index] ?? 0;
  }
}

/** Four bytes as one number. */
function wordAt(bytes: Buffer, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** Up to three of them, of which there are no more. */
function lastWordAt(bytes: Buffer, start: number, end: number): number {
  let word = 0;
  for (let at = start; at < end; at += 1) word = (word << 8) | (bytes[at] ?? 0);
  return word;
}

function isSame(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
