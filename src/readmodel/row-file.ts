// A database that is made anew for each batch, for SQLite to copy rows from. It has no name once it is attached, so that
// nothing of it is left when the process ends, in whatever way.

import { openSync, rmSync, writeSync } from "node:fs";
import Database from "better-sqlite3";
import { PAGE_BYTES, TablePages } from "./table-pages.ts";

/** Of the file's header, all uint32: https://www.sqlite.org/fileformat2.html, "The Database Header". */
const CHANGE_COUNTER = 24;
const PAGE_COUNT = 28;
const COUNTER_OF_VERSION = 92;
const HEADER_BYTES = 100;
/** Of the page cache for it: rows are read once, in their order. */
const CACHE_PAGES = 8;

export class RowFile {
  readonly #file: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  readonly #tables: TablePages[];
  #pages: number;
  #changes: number;

  /**
   * Makes a file at `path`, with the tables that are created by `tables`, and attaches it to `database` as `name`. Throws what
   * SQLite or the file system says.
   */
  constructor(database: Database.Database, path: string, name: string, tables: readonly string[]) {
    rmSync(path, { force: true });
    this.#file = openSync(path, "wx");
    const empty = emptyDatabase(tables);
    this.#write(empty, 0);
    empty.copy(this.#header);
    this.#changes = this.#header.readUInt32BE(CHANGE_COUNTER);
    this.#tables = tables.map(() => new TablePages((page) => this.#add(page)));
    this.#pages = 1 + tables.length;
    database.prepare("ATTACH ? AS ?").run(path, name);
    database.pragma(`${name}.cache_size = ${CACHE_PAGES}`);
    rmSync(path);
  }

  /** The table that is created by that of `tables`. */
  table(place: number): TablePages {
    const table = this.#tables[place];
    if (!table) throw new RangeError(`there is no table ${place}`);
    return table;
  }

  /** Makes the rows that were added the ones that SQLite finds, from its next transaction on. It must be in none. */
  finish(): void {
    for (const [place, table] of this.#tables.entries()) this.#write(table.finish(), 1 + place);
    this.#changes += 1;
    this.#header.writeUInt32BE(this.#changes, CHANGE_COUNTER);
    this.#header.writeUInt32BE(this.#pages, PAGE_COUNT);
    this.#header.writeUInt32BE(this.#changes, COUNTER_OF_VERSION);
    this.#write(this.#header, 0);
    this.#pages = 1 + this.#tables.length;
  }

  /** Forgets the rows that were added. */
  clear(): void {
    for (const table of this.#tables) table.clear();
    this.#pages = 1 + this.#tables.length;
  }

  #add(page: Uint8Array): number {
    this.#write(page, this.#pages);
    this.#pages += 1;
    return this.#pages;
  }

  /** Writes a page, or the beginning of one, that has so many before it. */
  #write(bytes: Uint8Array, before: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#file, bytes, done, bytes.length - done, before * PAGE_BYTES + done);
    }
  }
}

/** A database with empty tables, of which each has one page, in their order behind the first. */
function emptyDatabase(tables: readonly string[]): Buffer {
  const database = new Database(":memory:");
  try {
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.exec(tables.join(";"));
    return database.serialize();
  } finally {
    database.close();
  }
}
