// When event ids were received, in memory: a hash table with linear probing, of which the slots are entries (id-entries.ts), or empty.

import { compareHash, ENTRY_WORDS, NEVER, putEntry, receivedAt } from "./id-entries.ts";

const LEAST_SLOTS = 64;
const MOST_LOAD = 0.7;
const WORDS = 2 ** 32;

export class IdTable {
  #slots = LEAST_SLOTS;
  #entries = new Uint32Array(ENTRY_WORDS * LEAST_SLOTS);
  #size = 0;

  /** When the id was received that has the hash at `word` of `hashes`. */
  get(hashes: Uint32Array, word: number): number {
    return receivedAt(this.#entries, this.#find(hashes, word));
  }

  /** Says when it was. */
  set(hashes: Uint32Array, word: number, receivedAtMs: number): void {
    if (this.#size >= MOST_LOAD * this.#slots) this.#grow();
    const at = this.#find(hashes, word);
    if (receivedAt(this.#entries, at) === NEVER) this.#size += 1;
    putEntry(this.#entries, at, hashes, word, receivedAtMs);
  }

  /** All entries, by ascending hash. */
  sorted(): Uint32Array<ArrayBuffer> {
    const entries = this.#entries;
    const sorted = new Uint32Array(ENTRY_WORDS * this.#size);
    let end = 0;
    // They are about in order, but for those of the last slots that have come to the first ones.
    for (const isBehindLast of [false, true]) {
      for (let slot = 0; slot < entries.length; slot += ENTRY_WORDS) {
        const isEmpty = receivedAt(entries, slot) === NEVER;
        if (isEmpty && isBehindLast) break;
        if (isEmpty || this.#home(entries[slot] ?? 0) > slot !== isBehindLast) continue;
        insert(sorted, end, entries, slot);
        end += ENTRY_WORDS;
      }
    }
    return sorted;
  }

  /** Where a hash with this first word is, or behind it. */
  #home(first: number): number {
    return ENTRY_WORDS * Math.floor((first / WORDS) * this.#slots);
  }

  /** Where the hash is, or the empty slot that is to have it. */
  #find(hashes: Uint32Array, word: number): number {
    const entries = this.#entries;
    let at = this.#home(hashes[word] ?? 0);
    while (receivedAt(entries, at) !== NEVER && compareHash(entries, at, hashes, word) !== 0) {
      at += ENTRY_WORDS;
      if (at === entries.length) at = 0;
    }
    return at;
  }

  #grow(): void {
    const entries = this.#entries;
    this.#slots *= 2;
    this.#entries = new Uint32Array(ENTRY_WORDS * this.#slots);
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const receivedAtMs = receivedAt(entries, at);
      if (receivedAtMs !== NEVER) putEntry(this.#entries, this.#find(entries, at), entries, at, receivedAtMs);
    }
  }
}

/** Puts the entry at `at` of `entries` among those that are sorted, up to `end`. */
function insert(sorted: Uint32Array, end: number, entries: Uint32Array, at: number): void {
  let place = end;
  while (place > 0 && compareHash(sorted, place - ENTRY_WORDS, entries, at) > 0) place -= ENTRY_WORDS;
  sorted.copyWithin(place + ENTRY_WORDS, place, end);
  putEntry(sorted, place, entries, at, receivedAt(entries, at));
}
