// Who visitors are, beyond those that are in memory with what they do: a table by a hash of what they are known by, off V8's heap. To
// look into the database costs ten times as much.
//
// The hash is that of text-hash.ts, with a key that is made anew for each table. Two visitors, whoever chose what they are known by
// without knowing the key, have the same one with a probability of at most 2^-72. So with a hundred million visitors, each of whom is
// compared with those that have a place, the probability that one is ever taken for another one is below 2^-24.
//
// Of a site of which all visitors were put here, it is also known that most others are nobody's: by a filter after Bloom, "Space/time
// trade-offs in hash coding with allowable errors", 1970, whose two bits of each visitor are in one word.

import { randomBytes } from "node:crypto";
import { HASH_WORDS, TextHash } from "./text-hash.ts";

/** Whoever is known by more characters, or by others than of one byte, is not in it. */
const MAX_LENGTH = 255;
/** What is hashed before the characters: the kind, and the bytes of the site's number. */
const SITE_BYTES = 4;
const HEAD = 1 + SITE_BYTES;

/** A place has the hash, and what was put. */
const VALUE = HASH_WORDS;
const WORDS = HASH_WORDS + 1;

/** Of the filter, in words of 32 bits: with a million visitors, about one of a hundred others seems to be among them. */
const FILTER_WORDS = 1 << 20;
/** So many sites are filtered at most: 40 bytes each. */
const MAX_FILTERED_SITES = 65_536;

/** The characters that are not of one byte. */
const WIDE = 0xff00;

/** A user id and a hash are never the same visitor. */
export type VisitorKind = "user" | "hash";

export class VisitorCache {
  readonly #places: Uint32Array;
  readonly #count: number;
  readonly #hashes = new TextHash(randomBytes(32));
  /** What is hashed of the visitor that is asked about, and the hash. */
  readonly #bytes = new Uint8Array(HEAD + MAX_LENGTH);
  readonly #hash = new Uint32Array(HASH_WORDS);
  readonly #filter = new Int32Array(FILTER_WORDS);
  /** The sites of which all visitors are in the filter. */
  readonly #filtered = new Set<number>();

  /** Each visitor has one of `places`, by its hash; the next one with that place takes it. A place takes 16 bytes. */
  constructor(places: number) {
    this.#places = new Uint32Array(places * WORDS);
    this.#count = places;
  }

  /** Is told that a site has no visitors yet; from now on, each one is put here before it is looked for in vain. */
  begin(site: number): void {
    if (this.#filtered.size < MAX_FILTERED_SITES) this.#filtered.add(site);
  }

  /** What was put for a visitor; 0 when there is no such visitor; undefined when neither is known. */
  find(site: number, kind: VisitorKind, key: string): number | undefined {
    if (!this.#ask(site, kind, key)) return undefined;
    const first = this.#placeOf();
    for (let word = 0; word < HASH_WORDS; word += 1) {
      if (this.#places[first + word] !== this.#hash[word]) {
        return this.#filtered.has(site) && !this.#isInFilter() ? 0 : undefined;
      }
    }
    const value = this.#places[first + VALUE];
    return value === 0 ? undefined : value;
  }

  /** `value` is from 1 on; one of 2^31 or more is not kept. */
  put(site: number, kind: VisitorKind, key: string, value: number): void {
    if (!this.#ask(site, kind, key)) return;
    const word = this.#filterWord();
    this.#filter[word] = (this.#filter[word] ?? 0) | this.#filterBits();
    const first = this.#placeOf();
    this.#places.set(this.#hash, first);
    this.#places[first + VALUE] = value < 2 ** 31 ? value : 0;
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

  // Of a sum, the first bits are the ones that depend on all of the text.

  /** Where the place of the visitor that is asked about begins. */
  #placeOf(): number {
    return WORDS * Math.floor(((this.#hash[0] ?? 0) / 2 ** 32) * this.#count);
  }

  #filterWord(): number {
    return Math.floor(((this.#hash[1] ?? 0) / 2 ** 32) * FILTER_WORDS);
  }

  #filterBits(): number {
    const third = this.#hash[2] ?? 0;
    return (1 << (third >>> 27)) | (1 << ((third >>> 22) & 31));
  }

  /** Makes the hash of a visitor. Whether it can be in the table. */
  #ask(site: number, kind: VisitorKind, key: string): boolean {
    const { length } = key;
    if (length > MAX_LENGTH || this.#count === 0) return false;
    const bytes = this.#bytes;
    bytes[0] = kind === "user" ? 1 : 2;
    for (let byte = 0; byte < SITE_BYTES; byte += 1) bytes[1 + byte] = site >>> (8 * byte);
    let seen = 0;
    for (let at = 0; at < length; at += 1) {
      const character = key.charCodeAt(at);
      seen |= character;
      bytes[HEAD + at] = character;
    }
    if ((seen & WIDE) !== 0) return false;
    this.#hashes.put(bytes, 0, HEAD + length, this.#hash, 0);
    return true;
  }
}
