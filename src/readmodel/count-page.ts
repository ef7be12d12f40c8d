// A page of counts by the hash of what is counted: entries of 16 bytes by ascending hash, as four words, little-endian. The first
// 75 bits are the hash's, the last 53 the count.

import { HASH_WORDS } from "./text-hash.ts";

const ENTRY_WORDS = 4;

/** What the third word has of the hash; the rest is the first bits of the count. */
const HASH_MASK = 0xffe0_0000;
const COUNT_MASK = 0x1f_ffff;
const HASH_SHIFT = 21;
const WORD = 2 ** 32;

/** What is added. */
export interface Additions {
  /** Three words for each. */
  readonly hashes: Uint32Array;
  readonly counts: Float64Array;
  /** The places of all of them, by ascending hash. */
  readonly order: Uint32Array;
  /** What each comes to, which is found out here. */
  readonly totals: Float64Array;
}

/** The page with the additions of which the places in the order are from `from` up to `to`. */
export function addToPage(page: Uint32Array, additions: Additions, from: number, to: number): Uint32Array {
  const { hashes, counts, order, totals } = additions;
  const result = new Uint32Array(page.length + ENTRY_WORDS * (to - from));
  let at = 0;
  let end = 0;
  for (let index = from; index < to; index += 1) {
    const place = order[index] ?? 0;
    const word = HASH_WORDS * place;
    while (at < page.length && compare(page, at, hashes, word) < 0) {
      copyEntry(page, at, result, end);
      at += ENTRY_WORDS;
      end += ENTRY_WORDS;
    }
    let total = counts[place] ?? 0;
    if (at < page.length && compare(page, at, hashes, word) === 0) {
      total += countAt(page, at);
      at += ENTRY_WORDS;
    }
    totals[place] = total;
    result[end] = hashes[word] ?? 0;
    result[end + 1] = hashes[word + 1] ?? 0;
    result[end + 2] = ((hashes[word + 2] ?? 0) & HASH_MASK) | Math.floor(total / WORD);
    result[end + 3] = total;
    end += ENTRY_WORDS;
  }
  result.set(page.subarray(at), end);
  return result.subarray(0, end + page.length - at);
}

/** Where the first entry is of which the hash's first word is `word` or more. */
export function findEntry(page: Uint32Array, word: number): number {
  let at = 0;
  while (at < page.length && (page[at] ?? 0) < word) at += ENTRY_WORDS;
  return at;
}

function countAt(page: Uint32Array, at: number): number {
  return ((page[at + 2] ?? 0) & COUNT_MASK) * WORD + (page[at + 3] ?? 0);
}

function compare(page: Uint32Array, at: number, hashes: Uint32Array, word: number): number {
  return (
    (page[at] ?? 0) - (hashes[word] ?? 0) ||
    (page[at + 1] ?? 0) - (hashes[word + 1] ?? 0) ||
    ((page[at + 2] ?? 0) >>> HASH_SHIFT) - ((hashes[word + 2] ?? 0) >>> HASH_SHIFT)
  );
}

function copyEntry(from: Uint32Array, at: number, to: Uint32Array, end: number): void {
  for (let word = 0; word < ENTRY_WORDS; word += 1) to[end + word] = from[at + word] ?? 0;
}
