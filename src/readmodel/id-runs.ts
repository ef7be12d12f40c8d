// The event ids that are remembered, in the tables: sorted runs of entries (id-entries.ts), as in a log-structured merge-tree. A batch
// adds one, and when some are about as large they become one, so that each entry is written a few times, side by side with others, and
// not on a page of its own among all that are there. A run never changes, and its number is never given again.
//
// The entries of a run are on pages by the first bits of their hashes. Beside them is a filter (id-filter.ts).

import type { Database } from "better-sqlite3";
import { ENTRY_WORDS, findFirst, merge, NEVER, receivedAt } from "./id-entries.ts";
import { addToFilter, makeFilter } from "./id-filter.ts";
import { toWords } from "./words.ts";

/** So many runs that are about as large become one. */
const FAN_OUT = 4;
/** A run with as many ids is not put together with others any more: to make one run of four takes up to half a second, on a machine of
 *  2020, and holds up what comes behind. */
export const FULL_IDS = 2 ** 17;
/** The same while the projector is behind: three seconds. The fewer runs there are, the less it takes to look an id up. */
export const FULL_IDS_AHEAD = 2 ** 19;
/** Pages have about as many entries, or half of that, so that few are longer than a page of SQLite's. */
const ENTRIES_OF_PAGE = 128;
/** Of a run, four times as many as are needed; and what ids of pages have for the place of one, so that there are 2^37 numbers of
 *  runs, for 26 a second in 160 years. */
const MOST_PAGES = 2 ** 16;
const WORDS = 2 ** 32;

export interface IdRun {
  readonly id: number;
  /** How many pages it has: a power of two. */
  readonly pages: number;
}

interface CountedRun extends IdRun {
  readonly ids: number;
}

export class IdRuns {
  readonly #statements: Statements;
  readonly #fullIds: number;

  /** A run with `fullIds` is not put together with others any more. */
  constructor(database: Database, fullIds: number) {
    this.#statements = prepare(database);
    this.#fullIds = fullIds;
  }

  /** Adds `entries`, and forgets the runs of which all was received up to `forgottenUpToMs`. */
  add(entries: Uint32Array, forgottenUpToMs: number): void {
    for (const run of this.#statements.forgotten.all(forgottenUpToMs)) this.#remove(run);
    if (entries.length > 0) {
      const run = new NewRun(this.#statements, entries.length / ENTRY_WORDS);
      run.add(entries, 0, run.pages);
      run.finish();
    }
    for (let many = this.#alike(); many; many = this.#alike()) this.#putTogether(many, forgottenUpToMs);
  }

  /** Runs that are to become one, of those that there are. */
  #alike(): readonly CountedRun[] | undefined {
    const bySize = new Map<number, CountedRun[]>();
    for (const run of this.#statements.runs.all()) {
      if (run.ids >= this.#fullIds) continue;
      const size = Math.floor(Math.log2(run.ids) / Math.log2(FAN_OUT));
      const alike = [...(bySize.get(size) ?? []), run];
      if (alike.length === FAN_OUT) return alike;
      bySize.set(size, alike);
    }
    return undefined;
  }

  #putTogether(runs: readonly CountedRun[], forgottenUpToMs: number): void {
    const together = new NewRun(
      this.#statements,
      runs.reduce((sum, { ids }) => sum + ids, 0),
    );
    // As much at a time as is on one page of that which has the fewest. It may be the new one, as what is forgotten has no place there.
    const ranges = Math.min(together.pages, ...runs.map(({ pages }) => pages));
    for (let range = 0; range < ranges; range += 1) {
      const parts = runs.map((run) => this.#read(run, range / ranges, (range + 1) / ranges));
      const entries = parts.reduce((one, other) => merge(one, other, forgottenUpToMs));
      together.add(entries, (range / ranges) * together.pages, ((range + 1) / ranges) * together.pages);
    }
    together.finish();
    for (const run of runs) this.#remove(run);
  }

  /** The entries of a run from one part of its pages up to another one. */
  #read({ id, pages }: IdRun, from: number, to: number): Uint32Array {
    const start = id * MOST_PAGES;
    const blobs = this.#statements.pages.all(start + from * pages, start + to * pages);
    return toWords(Buffer.concat(blobs));
  }

  #remove({ id, pages }: IdRun): void {
    this.#statements.removePages.run(id * MOST_PAGES, id * MOST_PAGES + pages);
    this.#statements.remove.run(id);
  }
}

/** A run that is being made. */
class NewRun {
  readonly pages: number;
  readonly #statements: Statements;
  readonly #filter: Uint32Array<ArrayBuffer>;
  readonly #id: number | bigint;
  #ids = 0;
  #latestMs = NEVER;

  /** It is to have up to so many ids. */
  constructor(statements: Statements, ids: number) {
    this.#statements = statements;
    this.pages = 2 ** Math.ceil(Math.log2(Math.max(1, ids / ENTRIES_OF_PAGE)));
    if (this.pages > MOST_PAGES) throw new RangeError(`${ids} ids are too many for a run`);
    this.#filter = makeFilter(ids);
    this.#id = statements.add.run(this.pages).lastInsertRowid;
  }

  /** Adds the entries of the pages from `from` up to `to`, which come in order. */
  add(entries: Uint32Array, from: number, to: number): void {
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      addToFilter(this.#filter, entries, at);
      this.#latestMs = Math.max(this.#latestMs, receivedAt(entries, at));
    }
    this.#ids += entries.length / ENTRY_WORDS;
    let start = 0;
    for (let page = from; page < to; page += 1) {
      const end = findFirst(entries, ((page + 1) / this.pages) * WORDS);
      if (end > start) this.#put(page, entries.subarray(start, end));
      start = end;
    }
  }

  /** It is whole. One without an id is none. */
  finish(): void {
    if (this.#ids === 0) this.#statements.remove.run(this.#id);
    else this.#statements.finish.run(this.#ids, this.#latestMs, Buffer.from(this.#filter.buffer), this.#id);
  }

  #put(page: number, { buffer, byteOffset, byteLength }: Uint32Array): void {
    const id = Number(this.#id) * MOST_PAGES + page;
    this.#statements.addPage.run(id, Buffer.from(buffer, byteOffset, byteLength));
  }
}

/** The id of the page of a run on which the entry is that has a hash with this first word. */
export function pageOf({ id, pages }: IdRun, first: number): number {
  return id * MOST_PAGES + Math.floor((first / WORDS) * pages);
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    runs: database.prepare<[], CountedRun>("SELECT id, pages, ids FROM id_runs ORDER BY id"),
    forgotten: database.prepare<[number], IdRun>("SELECT id, pages FROM id_runs WHERE latest_ms <= ?"),
    add: database.prepare<[number]>(
      "INSERT INTO id_runs (pages, ids, latest_ms, filter) VALUES (?, 0, 0, x'')",
    ),
    finish: database.prepare<[number, number, Buffer, number | bigint]>(
      "UPDATE id_runs SET ids = ?, latest_ms = ?, filter = ? WHERE id = ?",
    ),
    remove: database.prepare<[number | bigint]>("DELETE FROM id_runs WHERE id = ?"),
    pages: database
      .prepare<[number, number], Buffer>("SELECT entries FROM id_pages WHERE id >= ? AND id < ? ORDER BY id")
      .pluck(),
    addPage: database.prepare<[number, Buffer]>("INSERT INTO id_pages VALUES (?, ?)"),
    removePages: database.prepare<[number, number]>("DELETE FROM id_pages WHERE id >= ? AND id < ?"),
  };
}
