// Hashes of texts, for tables that need to know texts but not to show them: "multilinear" ones
// (https://arxiv.org/abs/1202.4961), a sum of the text's bytes, each multiplied by a secret random number that belongs to its
// place, modulo 2^32.
//
// Two texts, whoever chose them without knowing the key, have one such sum in common with a probability of at most 2^-24: what
// is multiplied differs somewhere, by at most 2^8. A hash is three sums, of which a table may leave out the last bits of the third.

import { createCipheriv } from "node:crypto";
import { toWords } from "./words.ts";

export const HASH_WORDS = 3;

/** As many as paths have at most when they are taken in. */
const FIRST_ROOM_BYTES = 2048;

export class TextHash {
  readonly #key: Buffer;
  /** Three to begin with, and three for each place of a text. */
  #numbers: Uint32Array;

  /** `key` has 32 random bytes. */
  constructor(key: Buffer) {
    this.#key = key;
    this.#numbers = this.#expand(FIRST_ROOM_BYTES);
  }

  /** The hashes of parts of `bytes`, from each of `starts` up to the one of `ends`: three words each. */
  of(bytes: Uint8Array, starts: Uint32Array, ends: Uint32Array): Uint32Array {
    const hashes = new Uint32Array(HASH_WORDS * starts.length);
    for (let place = 0; place < starts.length; place += 1) {
      this.put(bytes, starts[place] ?? 0, ends[place] ?? 0, hashes, HASH_WORDS * place);
    }
    return hashes;
  }

  /** Puts the hash of the bytes from `start` up to `end` into `hashes`, from `at` on. */
  put(bytes: Uint8Array, start: number, end: number, hashes: Uint32Array, at: number): void {
    const words = HASH_WORDS * (end - start + 1);
    if (words > this.#numbers.length) this.#numbers = this.#expand(2 * (end - start));
    const numbers = this.#numbers;
    let first = numbers[0] ?? 0;
    let second = numbers[1] ?? 0;
    let third = numbers[2] ?? 0;
    for (let place = start, word = HASH_WORDS; place < end; place += 1, word += HASH_WORDS) {
      // One more, so that a text with zeros behind it is another one.
      const byte = (bytes[place] ?? 0) + 1;
      first = (first + Math.imul(byte, numbers[word] ?? 0)) | 0;
      second = (second + Math.imul(byte, numbers[word + 1] ?? 0)) | 0;
      third = (third + Math.imul(byte, numbers[word + 2] ?? 0)) | 0;
    }
    hashes[at] = first;
    hashes[at + 1] = second;
    hashes[at + 2] = third;
  }

  /** The numbers for texts of up to `bytes` bytes: those of shorter ones are always the same. */
  #expand(bytes: number): Uint32Array {
    return secretNumbers(this.#key, 0, HASH_WORDS * (bytes + 1));
  }
}

/** So many random numbers: always the same ones for a key of 32 bytes and a use, of which there are up to 256. */
export function secretNumbers(key: Buffer, use: number, count: number): Uint32Array {
  const counter = Buffer.alloc(16);
  counter.writeUInt8(use);
  const stream = createCipheriv("aes-256-ctr", key, counter).update(Buffer.alloc(4 * count));
  return toWords(stream);
}
