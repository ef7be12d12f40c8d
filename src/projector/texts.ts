// Makes texts of UTF-8 bytes, and for bytes that were seen a moment ago gives the same string again, as most texts of
// events are. That takes no memory, and what counts by such a string finds its hash computed already.

/** Each text has one place, by its hash; the next one with that place replaces it. */
const PLACES = 1 << 16;
/** Longer texts are rarely seen twice. */
const MAX_BYTES = 256;

/** The bits that no four bytes of ASCII have. */
const NOT_ASCII = 0x80808080;
/** Of the hash FNV-1a with 32 bits, which is fed four bytes at a time here: http://www.isthe.com/chongo/tech/comp/fnv/ */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

export class Texts {
  readonly #places: string[] = Array(PLACES).fill("");
  #wasAscii = true;

  /** Whether the text that was read last is known to be ASCII. */
  get wasAscii(): boolean {
    return this.#wasAscii;
  }

  /** The text of the bytes from `start` up to `end`. What is no UTF-8 in them becomes U+FFFD. */
  read(bytes: Buffer, start: number, end: number): string {
    this.#wasAscii = false;
    if (end - start > MAX_BYTES) return bytes.toString("utf8", start, end);
    let hash = OFFSET_BASIS;
    let seen = 0;
    let at = start;
    for (; at + 4 <= end; at += 4) {
      const word = wordAt(bytes, at);
      seen |= word;
      hash = Math.imul(hash ^ word, PRIME);
    }
    for (; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      seen |= byte;
      hash = Math.imul(hash ^ byte, PRIME);
    }
    // Only of ASCII is each byte a character, so that text and bytes can be compared.
    if ((seen & NOT_ASCII) !== 0) return bytes.toString("utf8", start, end);
    this.#wasAscii = true;
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const known = this.#places[place];
    if (known !== undefined && isSame(known, bytes, start, end)) return known;
    const text = bytes.toString("latin1", start, end);
    this.#places[place] = text;
    return text;
  }
}

/** Four bytes as one number. */
function wordAt(bytes: Buffer, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
  return low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

function isSame(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
