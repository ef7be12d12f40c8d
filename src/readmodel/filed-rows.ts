// Inserts the rows of events and of sessions by a file that SQLite copies them from (row-file.ts), which is worth it when they
// are many.

import type { Database, Statement } from "better-sqlite3";
import { BOUNDS, EVENT_TYPE, PATH, SITE_ID, TIMESTAMP, USER_ID } from "../projector/event-texts.ts";
import type { SessionColumns } from "./changes.ts";
import type { EventRows } from "./event-rows.ts";
import { RecordBuilder } from "./record-builder.ts";
import { RowFile } from "./row-file.ts";

const NAME = "filed";
/** Like the table that they come to, so that SQLite copies records as they are. */
const EVENTS = `CREATE TABLE events (
  id INTEGER PRIMARY KEY, site_id TEXT NOT NULL, event_type TEXT NOT NULL, path TEXT, user_id TEXT, timestamp TEXT) STRICT`;
/** Those of a row, in the order of the table's columns. */
const TEXTS = [SITE_ID, EVENT_TYPE, PATH, USER_ID, TIMESTAMP];
/** Records of sessions of one page view end with the entry's path: what they lack is NULL. */
const SESSION_COLUMNS = `site, period, stream, number, start_ms, entry_path,
  end_ms, events, pageviews, entry_ms, exit_ms, exit_path`;
const SESSIONS = `CREATE TABLE sessions (id INTEGER PRIMARY KEY, ${SESSION_COLUMNS})`;
/** Of the numbers of a session, those before its entry's path. */
const FIRST_NUMBERS = 5;
/** A batch has fewer of sessions. */
const ROWS = 2 ** 20;
/** As many bytes as a character has at most. */
const BYTES_OF_CHARACTER = 3;

export class FiledRows {
  readonly #file: RowFile;
  readonly #insertEvents: Statement<[]>;
  readonly #insertSessions: Statement<[]>;
  readonly #record = new RecordBuilder();
  #sessions = 0;
  /** Paths of the session that is being added. */
  #texts = Buffer.alloc(1024);

  /** Makes the file at `path`, in the place of one that is there. */
  constructor(database: Database, path: string) {
    this.#file = new RowFile(database, path, NAME, [EVENTS, SESSIONS]);
    this.#insertEvents = database.prepare(`INSERT INTO main.events SELECT * FROM ${NAME}.events`);
    this.#insertSessions = database.prepare(`
      INSERT OR REPLACE INTO main.sessions (${SESSION_COLUMNS}) SELECT ${SESSION_COLUMNS} FROM ${NAME}.sessions ORDER BY id`);
  }

  /** Events in the order of their ids. */
  addEvents({ ids, texts: { bytes, bounds } }: EventRows): void {
    const record = this.#record;
    const table = this.#file.table(0);
    for (let row = 0; row < ids.length; row += 1) {
      record.begin();
      for (const place of TEXTS) {
        const at = row * BOUNDS + 2 * place;
        const [start, length] = [bounds[at] ?? 0, (bounds[at + 1] ?? 0) >>> 1];
        if (length === 0 && (place === PATH || place === USER_ID)) record.addNull();
        else record.addText(bytes, start, start + length);
      }
      record.addTo(table, ids[row] ?? 0);
    }
  }

  addSessions({ ofOneView, others }: SessionColumns): void {
    for (const row of inOrder(ofOneView.numbers)) {
      this.#addSession(ofOneView.numbers, row, ofOneView.paths[row] ?? null, null);
    }
    for (const row of inOrder(others.numbers)) {
      this.#addSession(others.numbers, row, others.entryPaths[row] ?? null, others.exitPaths[row] ?? null);
    }
  }

  /** Ends the rows that were added. To be called before the transaction in which they are inserted. */
  finish(): void {
    this.#file.finish();
  }

  /** Inserts them, as a part of the caller's transaction. */
  insert(): void {
    this.#insertEvents.run();
    this.#insertSessions.run();
  }

  /** Forgets the rows that were added. */
  clear(): void {
    this.#file.clear();
    this.#sessions = 0;
  }

  #addSession(
    numbers: readonly Float64Array[],
    row: number,
    entryPath: string | null,
    exitPath: string | null,
  ): void {
    const record = this.#record;
    record.begin();
    for (let place = 0; place < FIRST_NUMBERS; place += 1)
      record.addNumber(numbers[place]?.[row] ?? Number.NaN);
    const end = this.#addText(entryPath, 0);
    for (let place = FIRST_NUMBERS; place < numbers.length; place += 1) {
      record.addNumber(numbers[place]?.[row] ?? Number.NaN);
    }
    if (exitPath !== null) this.#addText(exitPath, end);
    this.#sessions += 1;
    record.addTo(this.#file.table(1), this.#sessions);
  }

  /** Puts the text behind those that end at `start`; where it ends. */
  #addText(text: string | null, start: number): number {
    if (text === null) {
      this.#record.addNull();
      return start;
    }
    const most = start + text.length * BYTES_OF_CHARACTER;
    if (most > this.#texts.length) this.#texts = Buffer.concat([this.#texts, Buffer.alloc(most)]);
    const end = start + this.#texts.write(text, start);
    this.#record.addText(this.#texts, start, end);
    return end;
  }
}

/** The rows of sessions, site by site as they are, by their streams: about as the tree has them, so that neighbours share pages. */
function inOrder(numbers: readonly Float64Array[]): Uint32Array {
  const [sites, , streams] = numbers;
  if (!sites || !streams) throw new Error("sessions lack their sites or streams");
  if (streams.length > ROWS) throw new RangeError(`${streams.length} rows of sessions are too many`);
  // Stream and row as one number, as there are far fewer than 2^33 streams and 2^20 rows: numbers are sorted without calls.
  const keys = streams.map((stream, row) => stream * ROWS + row);
  for (let start = 0; start < keys.length; ) {
    let end = start + 1;
    while (end < keys.length && sites[end] === sites[start]) end += 1;
    keys.subarray(start, end).sort();
    start = end;
  }
  return Uint32Array.from(keys, (key) => key % ROWS);
}
