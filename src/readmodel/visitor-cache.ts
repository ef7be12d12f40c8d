// Who visitors are, beyond those that are in memory with what they do: a table by what they are known by, off V8's heap. To look
// into the database costs ten times as much.
//
// Of a site of which all visitors were put here, it is also known that most others are nobody's: by a filter after Bloom, "Space/time
// trade-offs in hash coding with allowable errors", 1970, whose two bits of each visitor are in one word.

/** Whoever is known by more characters, or by others than of one byte, is not in it. */
const MAX_LENGTH = 36;
/** A place has the site, the length with the kind, what was put, and the characters, four in each word. */
const VALUE = 2;
const CHARACTERS = 3;
const WORDS = CHARACTERS + MAX_LENGTH / 4;

/** Of the filter, in words of 32 bits: with a million visitors, about one of a hundred others seems to be among them. */
const FILTER_WORDS = 1 << 20;
/** So many sites are filtered at most: 40 bytes each. */
const MAX_FILTERED_SITES = 65_536;

/** The characters that are not of one byte. */
const WIDE = 0xff00;
/** FNV-1a with 32 bits, which is fed four characters at a time: http://www.isthe.com/chongo/tech/comp/fnv/ */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;
/** 2^32 divided by the golden ratio: Knuth, "The Art of Computer Programming", volume 3, 6.4. */
const GOLDEN_RATIO = 0x9e3779b1;

/** A user id and a hash are never the same visitor. */
export type VisitorKind = "user" | "hash";

export class VisitorCache {
  readonly #places: Int32Array;
  /** A place as it would be for the visitor that is asked about. */
  readonly #asked = new Int32Array(WORDS);
  /** The hash of that visitor. */
  #hash = 0;
  readonly #filter = new Int32Array(FILTER_WORDS);
  /** The sites of which all visitors are in the filter. */
  readonly #filtered = new Set<number>();

  /** Each visitor has one of `places`, by a hash; the next one with that place takes it. A place takes 48 bytes. */
  constructor(places: number) {
    this.#places = new Int32Array(places * WORDS);
  }

  /** Is told that a site has no visitors yet; from now on, each one is put here before it is looked for in vain. */
  begin(site: number): void {
    if (this.#filtered.size < MAX_FILTERED_SITES) this.#filtered.add(site);
  }

  /** What was put for a visitor; 0 when there is no such visitor; undefined when neither is known. */
  find(site: number, kind: VisitorKind, key: string): number | undefined {
    const first = this.#placeOf(site, kind, key);
    if (first === undefined) return undefined;
    for (let word = 0; word < WORDS; word += 1) {
      if (word !== VALUE && this.#places[first + word] !== this.#asked[word]) {
        return this.#filtered.has(site) && !this.#isInFilter() ? 0 : undefined;
      }
    }
    return this.#places[first + VALUE];
  }

  /** `value` is from 1 on; one of 2^31 or more is not kept. */
  put(site: number, kind: VisitorKind, key: string, value: number): void {
    const first = this.#placeOf(site, kind, key);
    if (first === undefined) return;
    const word = this.#filterWord();
    this.#filter[word] = (this.#filter[word] ?? 0) | this.#filterBits();
    this.#asked[VALUE] = value;
    if (this.#asked[VALUE] === value) this.#places.set(this.#asked, first);
    else this.#places.fill(0, first, first + WORDS);
  }

  clear(): void {
    this.#places.fill(0);
    this.#filter.fill(0);
    this.#filtered.clear();
  }

  #isInFilter(): boolean {
    const bits = this.#filterBits();
    return ((this.#filter[this.#filterWord()] ?? 0) & bits) === bits;
  }

  #filterWord(): number {
    return this.#hash & (FILTER_WORDS - 1);
  }

  /** By what the word is not chosen by. */
  #filterBits(): number {
    const mixed = Math.imul(this.#hash, GOLDEN_RATIO);
    return (1 << (mixed >>> 27)) | (1 << ((mixed >>> 22) & 31));
  }

  /** Where a visitor's place begins, after it was made in #asked; undefined for one that has none. Sites have numbers from 1 on,
   *  so that no visitor is taken for what is not there. */
  #placeOf(site: number, kind: VisitorKind, key: string): number | undefined {
    const { length } = key;
    if (length > MAX_LENGTH || this.#places.length === 0) return undefined;
    const asked = this.#asked;
    asked[0] = site;
    asked[1] = 2 * length + (kind === "user" ? 0 : 1);
    asked.fill(0, CHARACTERS);
    let hash = Math.imul(OFFSET_BASIS ^ site, PRIME);
    let seen = 0;
    for (let at = 0; at < length; at += 4) {
      let word = 0;
      for (let next = at; next < at + 4 && next < length; next += 1) {
        const character = key.charCodeAt(next);
        seen |= character;
        word = (word << 8) | character;
      }
      asked[CHARACTERS + at / 4] = word;
      hash = Math.imul(hash ^ word, PRIME);
    }
    if ((seen & WIDE) !== 0) return undefined;
    this.#hash = (hash ^ (hash >>> 15)) >>> 0;
    return (this.#hash % (this.#places.length / WORDS)) * WORDS;
  }
}
