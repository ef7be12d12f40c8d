// The rows of the tables `sessions`, `session_days` and `session_aliases`.

import type { Database, Statement } from "better-sqlite3";
import { dayOf } from "../ingest/timestamp.ts";
import type { Session } from "../projector/session.ts";
import { BulkInsert } from "./bulk-insert.ts";

const COLUMNS =
  "number, stream, start_ms, end_ms, events, pageviews, entry_ms, entry_path, exit_ms, exit_path";
const COLUMN_COUNT = 1 + COLUMNS.split(",").length;

interface Row {
  readonly number: number;
  readonly stream: number;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly events: number;
  readonly pageviews: number;
  readonly entry_ms: number;
  readonly entry_path: string;
  readonly exit_ms: number;
  readonly exit_path: string;
}

/** A session as it is written: it has rows in `session_days` from `firstDay` to `lastDay`, none when that is below. */
export interface StoredSession {
  session: Session;
  firstDay: number;
  lastDay: number;
}

export class SessionRows {
  readonly #rows: BulkInsert;
  readonly #addDays: Statement<[number, string]>;
  readonly #ofDay: Statement<[number, number, number], Row>;
  readonly #remove: Statement<[number, number]>;
  readonly #addAlias: Statement<[number, number, number]>;

  constructor(database: Database) {
    const insert = `INSERT OR REPLACE INTO sessions (site, ${COLUMNS})`;
    this.#rows = new BulkInsert(database, insert, COLUMN_COUNT);
    this.#addDays = database.prepare(`
      INSERT OR IGNORE INTO session_days
      SELECT ?, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`);
    // "+?", as with a bare one SQLite may plan anew each time that other values are bound.
    this.#ofDay = database.prepare(`
      SELECT ${COLUMNS.replaceAll(/\w+/g, "sessions.$&")}
      FROM session_days AS days CROSS JOIN sessions ON sessions.site = days.site AND sessions.number = days.number
      WHERE days.site = +? AND days.day = +? AND days.stream = +?`);
    this.#remove = database.prepare("DELETE FROM sessions WHERE site = ? AND number = ?");
    this.#addAlias = database.prepare("INSERT INTO session_aliases VALUES (?, ?, ?)");
  }

  /** The sessions of a stream that have an event on `day`, in days since 1970-01-01. */
  ofDay(site: number, day: number, stream: number): Session[] {
    return this.#ofDay.all(site, day, stream).map(toSession);
  }

  /** Writes sessions, and the days that they have not been written with. */
  write(site: number, sessions: readonly StoredSession[]): void {
    const byNumber = sessions.toSorted((a, b) => a.session.number - b.session.number);
    for (const { session } of byNumber) addRow(this.#rows, site, session);
    this.#rows.flush();
    const days = byNumber.flatMap(newDays);
    if (days.length > 0) this.#addDays.run(site, JSON.stringify(days.sort(compareDays)));
  }

  /** Drops what a failed write has left, as when the transaction is rolled back. */
  clear(): void {
    this.#rows.clear();
  }

  /** Removes the session `gone`, of which the events belong to `session` from now on, or to what that becomes part of. */
  replace(site: number, gone: number, session: number): void {
    this.#remove.run(site, gone);
    this.#addAlias.run(site, gone, session);
  }
}

type Day = [day: number, stream: number, session: number];

/** The days of a session that are not written, which they are from now on. */
function newDays(stored: StoredSession): Day[] {
  const { session, firstDay, lastDay } = stored;
  const [first, last] = [dayOf(session.startMs), dayOf(session.endMs)];
  const days: Day[] = [];
  for (let day = first; day <= last; day += 1) {
    if (day < firstDay || day > lastDay) days.push([day, session.stream, session.number]);
  }
  stored.firstDay = first;
  stored.lastDay = last;
  return days;
}

/** About as the tree has them: neighbours share pages. */
function compareDays(a: Day, b: Day): number {
  return a[0] - b[0] || a[1] - b[1];
}

function toSession(row: Row): Session {
  return {
    ...{ number: row.number, stream: row.stream, startMs: row.start_ms, endMs: row.end_ms },
    ...{ events: row.events, pageviews: row.pageviews },
    ...{ entryMs: row.entry_ms, entryPath: row.entry_path, exitMs: row.exit_ms, exitPath: row.exit_path },
  };
}

function addRow(rows: BulkInsert, site: number, session: Session): void {
  const { number, stream, startMs, endMs, events, pageviews } = session;
  const { entryMs, entryPath, exitMs, exitPath } = session;
  rows.add(site, number, stream, startMs, endMs, events, pageviews, entryMs, entryPath, exitMs, exitPath);
}
