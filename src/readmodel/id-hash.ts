// Hashes of event ids, each of a site. They are as those of text-hash.ts, but four sums: two different ids, whoever chose them
// without knowing the key, have the same hash with a probability of at most 2^-96.

import { secretNumbers } from "./text-hash.ts";

export const ID_HASH_WORDS = 4;

/** What the numbers are for: those for paths are others. */
const USE = 1;
/** The number of a site, before its ids. */
const SITE_BYTES = 4;
/** As many as ids of 84 characters have at most. */
const FIRST_ROOM_BYTES = 256;
/** Of a character of a string, in UTF-8. */
const MOST_BYTES = 3;

export class IdHash {
  readonly #key: Buffer;
  #bytes = Buffer.alloc(FIRST_ROOM_BYTES);
  /** Four to begin with, and four for each byte. */
  #numbers: Uint32Array;

  /** `key` has 32 random bytes. */
  constructor(key: Buffer) {
    this.#key = key;
    this.#numbers = this.#expand();
  }

  /** Puts the hash of an id of a site into `hashes`, from `at` on: four words. */
  put(site: number, eventId: string, hashes: Uint32Array, at: number): void {
    const most = SITE_BYTES + MOST_BYTES * eventId.length;
    if (most > this.#bytes.length) {
      this.#bytes = Buffer.alloc(most);
      this.#numbers = this.#expand();
    }
    const bytes = this.#bytes;
    bytes.writeUInt32LE(site, 0);
    const end = SITE_BYTES + bytes.write(eventId, SITE_BYTES);
    const numbers = this.#numbers;
    let first = numbers[0] ?? 0;
    let second = numbers[1] ?? 0;
    let third = numbers[2] ?? 0;
    let fourth = numbers[3] ?? 0;
    for (let place = 0, word = ID_HASH_WORDS; place < end; place += 1, word += ID_HASH_WORDS) {
      // One more, so that an id with zeros behind it is another one.
      const byte = (bytes[place] ?? 0) + 1;
      first = (first + Math.imul(byte, numbers[word] ?? 0)) | 0;
      second = (second + Math.imul(byte, numbers[word + 1] ?? 0)) | 0;
      third = (third + Math.imul(byte, numbers[word + 2] ?? 0)) | 0;
      fourth = (fourth + Math.imul(byte, numbers[word + 3] ?? 0)) | 0;
    }
    hashes[at] = first;
    hashes[at + 1] = second;
    hashes[at + 2] = third;
    hashes[at + 3] = fourth;
  }

  /** The numbers for as many bytes as there is room for: those of fewer are always the same. */
  #expand(): Uint32Array {
    return secretNumbers(this.#key, USE, ID_HASH_WORDS * (this.#bytes.length + 1));
  }
}
