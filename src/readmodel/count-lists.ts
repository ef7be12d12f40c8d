// How often texts are there that are too many for a table of them: lists of counts by hash.
//
// A list is kept in pages (count-pages.ts). When so many are added at a time that most of its pages would be read and written, as while
// a log is folded that is there already, the list is in memory as well: what is added is stored as a run beside the pages, and comes
// to them when there are some runs. The database always has the whole list: what is in memory is of use only while it is the same.

import type { Database } from "better-sqlite3";
import { COUNT_WORDS, putCount } from "./count-page.ts";
import { CountPages, wantedPages } from "./count-pages.ts";
import { CountTable } from "./count-table.ts";
import { HASH_WORDS } from "./text-hash.ts";
import { toWords } from "./words.ts";

export interface CountList {
  readonly id: number;
  /** How many different texts it has. */
  readonly texts: number;
  /** How many pages it is in: a power of two. */
  readonly pages: number;
  /** How many runs were made of it, and how many of these, the last ones, are not in the pages yet. */
  readonly runs: number;
  readonly waiting: number;
}

export interface CountListSizes {
  /** A list that needs fewer pages is not in memory. */
  readonly pages: number;
  /** As many runs come to the pages together. */
  readonly runs: number;
  /** So many texts are in memory, of all lists together: 21 to 32 bytes each, and up to 51 where all that was added last is known. */
  readonly texts: number;
}

export const COUNT_LIST_SIZES: CountListSizes = { pages: 16, runs: 24, texts: 1.5 * 2 ** 20 };

/** So many ids are a list's for its runs, which have them in turns. */
const RUN_IDS = 2 ** 24;

export class CountLists {
  readonly #sizes: CountListSizes;
  readonly #statements: Statements;
  readonly #pages: CountPages;
  /** By list, the one that was asked for last behind the others; each with the runs that it has. */
  readonly #inMemory = new Map<number, { readonly table: CountTable; readonly runs: number }>();
  /** Another number when another connection has changed the database. */
  #version: number | undefined;

  constructor(database: Database, sizes: CountListSizes) {
    this.#sizes = sizes;
    this.#statements = prepare(database);
    this.#pages = new CountPages(database);
  }

  /** Adds `counts`, none of which is 0, to the texts of `hashes`, three words each. What these come to, and the list. */
  add(
    list: CountList,
    hashes: Uint32Array,
    counts: Float64Array,
  ): { readonly totals: Float64Array; readonly list: CountList } {
    // Few follow many in a batch with long paths: to bring the runs to the pages for them would cost as much each time.
    const isRun = this.#areMany(list, counts) || (list.waiting > 0 && this.#kept(list) !== undefined);
    const table = isRun ? this.#tableOf(list, counts.length) : undefined;
    if (!table) return this.#addToPages(this.#settle(list), hashes, counts);
    // Until the run is stored, it is not what the database has.
    this.#inMemory.delete(list.id);
    const totals = counts.map((count, place) => table.add(hashes, HASH_WORDS * place, count));
    this.#statements.addRun.run(list.id * RUN_IDS + (list.runs % RUN_IDS), toRun(hashes, counts));
    const runs = list.runs + 1;
    this.#inMemory.set(list.id, { table, runs });
    const added = { ...list, texts: table.size, runs, waiting: list.waiting + 1 };
    return { totals, list: added.waiting < this.#sizes.runs ? added : this.#settle(added) };
  }

  /** Whether most pages would be changed. */
  #areMany(list: CountList, { length }: Float64Array): boolean {
    const pages = wantedPages(list.pages, list.texts + length);
    return pages >= this.#sizes.pages && length >= pages;
  }

  #addToPages(list: CountList, hashes: Uint32Array, counts: Float64Array) {
    this.#inMemory.delete(list.id);
    const pages = this.#pages.spread(list.id, list.pages, list.texts + counts.length);
    const totals = this.#pages.add(list.id, pages, hashes, counts);
    const known = counts.filter((count, place) => (totals[place] ?? 0) > count).length;
    return { totals, list: { ...list, texts: list.texts + counts.length - known, pages } };
  }

  /** Brings the runs to the pages. */
  #settle(list: CountList): CountList {
    if (list.waiting === 0) return list;
    const pages = this.#pages.replace(list.id, list.pages, this.#whole(list));
    this.#statements.removeRuns.run(list.id * RUN_IDS, (list.id + 1) * RUN_IDS);
    return { ...list, pages, waiting: 0 };
  }

  /** The whole list in memory, to which up to `added` texts are to be added; undefined when there is no room for it. */
  #tableOf(list: CountList, added: number): CountTable | undefined {
    return this.#makeRoom(list.id, list.texts + added) ? this.#whole(list, added) : undefined;
  }

  /** What the database has of a list, to which so many texts are to be added. */
  #whole(list: CountList, added = 0): CountTable {
    return this.#kept(list) ?? this.#load(list, added);
  }

  /** The same when it is in memory. */
  #kept({ id, runs }: CountList): CountTable | undefined {
    const version = this.#statements.version.get();
    if (version !== this.#version) this.#inMemory.clear();
    this.#version = version;
    const kept = this.#inMemory.get(id);
    if (kept?.runs === runs) return kept.table;
    // What a transaction did that was taken back is in memory all the same.
    this.#inMemory.delete(id);
    return undefined;
  }

  /** Makes room for a list with so many texts. Whether there is as much. */
  #makeRoom(id: number, texts: number): boolean {
    if (texts > this.#sizes.texts) return false;
    let all = texts;
    for (const [other, { table }] of this.#inMemory) if (other !== id) all += table.size;
    for (const [other, { table }] of this.#inMemory) {
      if (all <= this.#sizes.texts) break;
      if (other === id) continue;
      all -= table.size;
      this.#inMemory.delete(other);
    }
    return true;
  }

  #load(list: CountList, added: number): CountTable {
    this.#makeRoom(list.id, list.texts);
    const table = new CountTable(list.texts + added);
    for (let number = 0; number < list.pages; number += 1) table.addAll(this.#pages.get(list.id, number));
    for (const run of this.#runs(list)) table.addAll(run);
    return table;
  }

  /** Those that are not in the pages yet. */
  #runs({ id }: CountList): Uint32Array[] {
    const runs = this.#statements.runs.all(id * RUN_IDS, (id + 1) * RUN_IDS);
    return runs.map((bytes) => toWords(bytes));
  }
}

/** A run is entries, as those of a page, in any order. */
function toRun(hashes: Uint32Array, counts: Float64Array): Buffer {
  const run = new Uint32Array(COUNT_WORDS * counts.length);
  counts.forEach((count, place) => {
    putCount(run, COUNT_WORDS * place, hashes, HASH_WORDS * place, count);
  });
  return Buffer.from(run.buffer);
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    version: database.prepare<[], number>("PRAGMA data_version").pluck(),
    addRun: database.prepare<[number, Buffer]>("INSERT INTO path_runs VALUES (?, ?)"),
    runs: database
      .prepare<[number, number], Buffer>("SELECT counts FROM path_runs WHERE id >= ? AND id < ?")
      .pluck(),
    removeRuns: database.prepare<[number, number]>("DELETE FROM path_runs WHERE id >= ? AND id < ?"),
  };
}
