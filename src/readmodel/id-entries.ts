// When event ids were received, by their hashes: entries of 24 bytes by ascending hash, as six words, little-endian. Four are
// the hash's. Two are the time, in ms since 1970, and one more, so that no entry has two zeros.

import { ID_HASH_WORDS } from "./id-hash.ts";

export const ENTRY_WORDS = 6;

/** When what was never received was: before all times, so that the window has passed. */
export const NEVER = Number.NEGATIVE_INFINITY;

const WORDS = 2 ** 32;

/** Puts an entry at `at`, with the hash that is at `word` of `hashes`: one that is alone, or that of an entry. */
export function putEntry(
  entries: Uint32Array,
  at: number,
  hashes: Uint32Array,
  word: number,
  receivedAtMs: number,
): void {
  entries[at] = hashes[word] ?? 0;
  entries[at + 1] = hashes[word + 1] ?? 0;
  entries[at + 2] = hashes[word + 2] ?? 0;
  entries[at + 3] = hashes[word + 3] ?? 0;
  entries[at + 4] = Math.floor((receivedAtMs + 1) / WORDS);
  entries[at + 5] = receivedAtMs + 1;
}

/** When the id of the entry at `at` was received; NEVER where there is none. */
export function receivedAt(entries: Uint32Array, at: number): number {
  const oneMore = (entries[at + 4] ?? 0) * WORDS + (entries[at + 5] ?? 0);
  return oneMore === 0 ? NEVER : oneMore - 1;
}

/** Of the entry at `at`, and the hash at `word` of `hashes`, as in putEntry(): below 0 when the entry's comes first. */
export function compareHash(entries: Uint32Array, at: number, hashes: Uint32Array, word: number): number {
  for (let next = 0; next < ID_HASH_WORDS; next += 1) {
    const difference = (entries[at + next] ?? 0) - (hashes[word + next] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Where the first entry is of which the hash's first word is `first` or more. */
export function findFirst(entries: Uint32Array, first: number): number {
  let [from, to] = [0, entries.length / ENTRY_WORDS];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((entries[middle * ENTRY_WORDS] ?? 0) < first) from = middle + 1;
    else to = middle;
  }
  return from * ENTRY_WORDS;
}

/** When the id was received that has the hash at `word` of `hashes`. */
export function receivedIn(entries: Uint32Array, hashes: Uint32Array, word: number): number {
  for (let at = findFirst(entries, hashes[word] ?? 0); at < entries.length; at += ENTRY_WORDS) {
    const order = compareHash(entries, at, hashes, word);
    if (order === 0) return receivedAt(entries, at);
    if (order > 0) break;
  }
  return NEVER;
}

/** The entries of both, but for those received up to `forgottenUpToMs`. Of two of an id, the later one. */
export function merge(one: Uint32Array, other: Uint32Array, forgottenUpToMs: number): Uint32Array {
  const merged = new Uint32Array(one.length + other.length);
  let [a, b, end] = [0, 0, 0];
  while (a < one.length || b < other.length) {
    const order = a === one.length ? 1 : b === other.length ? -1 : compareHash(one, a, other, b);
    const isOne = order < 0 || (order === 0 && receivedAt(one, a) >= receivedAt(other, b));
    const [from, at] = isOne ? [one, a] : [other, b];
    if (order <= 0) a += ENTRY_WORDS;
    if (order >= 0) b += ENTRY_WORDS;
    const receivedAtMs = receivedAt(from, at);
    if (receivedAtMs <= forgottenUpToMs) continue;
    putEntry(merged, end, from, at, receivedAtMs);
    end += ENTRY_WORDS;
  }
  return merged.subarray(0, end);
}
