// A page of counts by the hash of what is counted: entries of 16 bytes by ascending hash, as four words, little-endian. The first
// 75 bits are the hash's, the last 53 the count.

import { HASH_WORDS } from "./text-hash.ts";

export const COUNT_WORDS = 4;

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
  const result = new Uint32Array(page.length + COUNT_WORDS * (to - from));
  let at = 0;
  let end = 0;
  for (let index = from; index < to; index += 1) {
    const place = order[index] ?? 0;
    const word = HASH_WORDS * place;
    const start = at;
    while (at < page.length && compareCounts(page, at, hashes, word) <= 0) at += COUNT_WORDS;
    if (at > start) {
      result.set(page.subarray(start, at), end);
      end += at - start;
    }
    if (end === 0 || compareCounts(result, end - COUNT_WORDS, hashes, word) !== 0) {
      putCount(result, end, hashes, word, 0);
      end += COUNT_WORDS;
    }
    const total = countAt(result, end - COUNT_WORDS) + (counts[place] ?? 0);
    putCount(result, end - COUNT_WORDS, hashes, word, total);
    totals[place] = total;
  }
  result.set(page.subarray(at), end);
  return result.subarray(0, end + page.length - at);
}

/** Where the first entry is of which the hash's first word is `word` or more. */
export function findCount(page: Uint32Array, word: number): number {
  let at = 0;
  while (at < page.length && (page[at] ?? 0) < word) at += COUNT_WORDS;
  return at;
}

/** Puts an entry at `at`, with the hash that is at `word` of `hashes`: one that is alone, or that of an entry. */
export function putCount(
  entries: Uint32Array,
  at: number,
  hashes: Uint32Array,
  word: number,
  count: number,
): void {
  entries[at] = hashes[word] ?? 0;
  entries[at + 1] = hashes[word + 1] ?? 0;
  entries[at + 2] = ((hashes[word + 2] ?? 0) & HASH_MASK) | Math.floor(count / WORD);
  entries[at + 3] = count;
}

export function countAt(entries: Uint32Array, at: number): number {
  return ((entries[at + 2] ?? 0) & COUNT_MASK) * WORD + (entries[at + 3] ?? 0);
}

/** Of the entry at `at`, and the hash at `word` of `hashes`, as in putCount(): below 0 when the entry's comes first. */
export function compareCounts(entries: Uint32Array, at: number, hashes: Uint32Array, word: number): number {
  return (
    (entries[at] ?? 0) - (hashes[word] ?? 0) ||
    (entries[at + 1] ?? 0) - (hashes[word + 1] ?? 0) ||
    ((entries[at + 2] ?? 0) >>> HASH_SHIFT) - ((hashes[word + 2] ?? 0) >>> HASH_SHIFT)
  );
}
