// Which events count: of those of a site with the same event id from their sender, the first in log order, until the window has
// passed since the receipt of that one. It is judged event by event, whatever the batch.
//
// While batch n is folded, the tables have what counted up to batch n - 2, and perhaps in n - 1; what counted in n - 1 and n is in
// memory.

import type { LoggedEvent } from "../projector/event-decoder.ts";
import { ID_HASH_WORDS, type IdHash } from "./id-hash.ts";
import { IdTable } from "./id-table.ts";
import type { StoredIds } from "./stored-ids.ts";

export class EventIds {
  readonly #stored: StoredIds;
  readonly #hash: IdHash;
  readonly #windowMs: number;
  /** When those were received that counted in this batch, and in the one before, which may not be written yet. */
  #counted = new IdTable();
  #countedBefore = new IdTable();

  constructor(stored: StoredIds, hash: IdHash, windowMs: number) {
    this.#stored = stored;
    this.#hash = hash;
    this.#windowMs = windowMs;
  }

  /** A 1 for each of `events` that counts, which are in log order; `siteOf` says the number of the site of each. */
  judge(events: readonly LoggedEvent[], siteOf: (place: number) => number): Uint8Array {
    const counts = new Uint8Array(events.length).fill(1);
    const places: number[] = [];
    for (let place = 0; place < events.length; place += 1) {
      if (events[place]?.clientEventId !== undefined) places.push(place);
    }
    if (places.length === 0) return counts;
    const hashes = new Uint32Array(ID_HASH_WORDS * places.length);
    for (const [index, place] of places.entries()) {
      this.#hash.put(siteOf(place), events[place]?.clientEventId ?? "", hashes, ID_HASH_WORDS * index);
    }
    const stored = this.#stored.receivedAt(hashes);
    for (const [index, place] of places.entries()) {
      const word = ID_HASH_WORDS * index;
      const receivedAtMs = events[place]?.receivedAtMs ?? 0;
      const inMemory = Math.max(this.#counted.get(hashes, word), this.#countedBefore.get(hashes, word));
      const lastMs = Math.max(inMemory, stored[index] ?? 0);
      if (receivedAtMs - lastMs < this.#windowMs) counts[place] = 0;
      else this.#counted.set(hashes, word, receivedAtMs);
    }
    return counts;
  }

  /** What counted in this batch, to be written: entries (id-entries.ts). The next batch begins. */
  takeChanges(): Uint32Array<ArrayBuffer> {
    this.#countedBefore = this.#counted;
    this.#counted = new IdTable();
    return this.#countedBefore.sorted();
  }

  /** Forgets all that is not written, and what was read. */
  clear(): void {
    this.#counted = new IdTable();
    this.#countedBefore = new IdTable();
    this.#stored.clear();
  }
}
