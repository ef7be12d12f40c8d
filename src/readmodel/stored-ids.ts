// Reads from the tables when event ids were received. Most ids are new ones, of which the filters say so, which are in memory: some 11
// bits for each id that is remembered.

import type { Database, Statement } from "better-sqlite3";
import { NEVER, receivedIn } from "./id-entries.ts";
import { mayHave } from "./id-filter.ts";
import { ID_HASH_WORDS } from "./id-hash.ts";
import { type IdRun, pageOf } from "./id-runs.ts";
import { toWords } from "./words.ts";

export class StoredIds {
  readonly #runs: Statement<[], IdRun>;
  readonly #filter: Statement<[number], Buffer>;
  readonly #page: Statement<[number], Buffer>;
  /** In which all is of one state of the tables. */
  readonly #read: (hashes: Uint32Array) => Float64Array;
  #filters = new Map<number, Uint32Array>();

  constructor(database: Database) {
    this.#runs = database.prepare("SELECT id, pages FROM id_runs");
    this.#filter = database.prepare<[number], Buffer>("SELECT filter FROM id_runs WHERE id = ?").pluck();
    this.#page = database.prepare<[number], Buffer>("SELECT entries FROM id_pages WHERE id = ?").pluck();
    this.#read = database.transaction((hashes) => this.#receivedAt(hashes));
  }

  /** When the ids were received last that have these hashes, of four words each. */
  receivedAt(hashes: Uint32Array): Float64Array {
    return this.#read(hashes);
  }

  /** Forgets what was read, as when it was of a transaction that is taken back: its numbers of runs are given again. */
  clear(): void {
    this.#filters.clear();
  }

  #receivedAt(hashes: Uint32Array): Float64Array {
    const times = new Float64Array(hashes.length / ID_HASH_WORDS).fill(NEVER);
    const filters = new Map<number, Uint32Array>();
    for (const run of this.#runs.all()) {
      const filter = this.#filters.get(run.id) ?? toWords(this.#filter.get(run.id) ?? new Uint8Array());
      filters.set(run.id, filter);
      for (let place = 0; place < times.length; place += 1) {
        const word = ID_HASH_WORDS * place;
        if (!mayHave(filter, hashes, word)) continue;
        const page = this.#page.get(pageOf(run, hashes[word] ?? 0));
        if (!page) continue;
        times[place] = Math.max(times[place] ?? NEVER, receivedIn(toWords(page), hashes, word));
      }
    }
    this.#filters = filters;
    return times;
  }
}
