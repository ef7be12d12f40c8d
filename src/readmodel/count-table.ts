// Counts by hash in memory: a hash table with linear probing, of which the slots are entries of a page (count-page.ts), or empty.

import { COUNT_WORDS, compareCounts, countAt, putCount } from "./count-page.ts";

const LEAST_SLOTS = 1024;
const MOST_LOAD = 0.75;
const GROWTH = 1.5;
/** A table with room for what comes now is a little larger, for what may come next. */
const SPARE = 1.2;
const WORDS = 2 ** 32;

export class CountTable {
  #entries: Uint32Array;
  #slots: number;
  #size = 0;

  /** With room for so many to begin with. */
  constructor(room: number) {
    this.#slots = Math.max(LEAST_SLOTS, Math.ceil((room / MOST_LOAD) * SPARE));
    this.#entries = new Uint32Array(COUNT_WORDS * this.#slots);
  }

  /** How many hashes it has. */
  get size(): number {
    return this.#size;
  }

  /** Adds `count`, which is not 0, to the hash at `word` of `hashes`: one that is alone, or that of an entry. What it comes to. */
  add(hashes: Uint32Array, word: number, count: number): number {
    if (this.#size >= MOST_LOAD * this.#slots) this.#grow();
    const at = this.#find(hashes, word);
    const before = countAt(this.#entries, at);
    if (before === 0) this.#size += 1;
    putCount(this.#entries, at, hashes, word, before + count);
    return before + count;
  }

  /** Adds entries. */
  addAll(entries: Uint32Array): void {
    for (let at = 0; at < entries.length; at += COUNT_WORDS) this.add(entries, at, countAt(entries, at));
  }

  /** The entries of which the hash's first word is from `from` up to `to`, by ascending hash. */
  range(from: number, to: number): Uint32Array {
    const entries = this.#entries;
    const found: number[] = [];
    const [start, last] = [this.#home(from), this.#home(to)];
    for (let slot = start; slot < start + entries.length; slot += COUNT_WORDS) {
      const at = slot % entries.length;
      const isEmpty = countAt(entries, at) === 0;
      // No entry is behind an empty slot that is where it belongs, or behind that.
      if (isEmpty && slot >= last) break;
      const first = entries[at] ?? 0;
      if (!isEmpty && first >= from && first < to) found.push(at);
    }
    found.sort((a, b) => compareCounts(entries, a, entries, b));
    const range = new Uint32Array(COUNT_WORDS * found.length);
    found.forEach((at, place) => {
      putCount(range, COUNT_WORDS * place, entries, at, countAt(entries, at));
    });
    return range;
  }

  /** Where a hash with this first word is, or behind it: hashes are about in order. */
  #home(first: number): number {
    return COUNT_WORDS * Math.floor((first / WORDS) * this.#slots);
  }

  /** Where the hash is, or the empty slot that is to have it. */
  #find(hashes: Uint32Array, word: number): number {
    const entries = this.#entries;
    let at = this.#home(hashes[word] ?? 0);
    while (countAt(entries, at) !== 0 && compareCounts(entries, at, hashes, word) !== 0) {
      at += COUNT_WORDS;
      if (at === entries.length) at = 0;
    }
    return at;
  }

  #grow(): void {
    const entries = this.#entries;
    this.#slots = Math.ceil(this.#slots * GROWTH);
    this.#entries = new Uint32Array(COUNT_WORDS * this.#slots);
    for (let at = 0; at < entries.length; at += COUNT_WORDS) {
      const count = countAt(entries, at);
      if (count > 0) putCount(this.#entries, this.#find(entries, at), entries, at, count);
    }
  }
}
