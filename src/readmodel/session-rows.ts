// The rows of the tables `sessions` and `session_aliases`.

import type { Database, Statement } from "better-sqlite3";
import { dayOf } from "../ingest/timestamp.ts";
import type { Session } from "../projector/session.ts";
import { BulkInsert } from "./bulk-insert.ts";

const FACTS = "start_ms, end_ms, events, pageviews, entry_ms, entry_path, exit_ms, exit_path";
const COLUMNS = `number, stream, ${FACTS}`;
/** Site and day, and those. */
const COLUMN_COUNT = 2 + COLUMNS.split(",").length;

interface Row {
  readonly number: number;
  readonly stream: number;
  /** NULL, as all that follows, when the session has events on a later day. */
  readonly start_ms: number | null;
  readonly end_ms: number;
  readonly events: number;
  readonly pageviews: number;
  readonly entry_ms: number;
  readonly entry_path: string;
  readonly exit_ms: number;
  readonly exit_path: string;
}

/** A session as it is written: it has rows from `firstDay` to `lastDay`, none when that is below. */
export interface StoredSession {
  session: Session;
  firstDay: number;
  lastDay: number;
}

export class SessionRows {
  readonly #rows: BulkInsert;
  readonly #ofDay: Statement<[number, number, number], Row>;
  readonly #onDay: Statement<[number, number, number, number], Row>;
  readonly #remove: Statement<[number, number, number, number]>;
  readonly #addAlias: Statement<[number, number, number]>;

  constructor(database: Database) {
    const insert = `INSERT OR REPLACE INTO sessions (site, day, stream, number, ${FACTS})`;
    this.#rows = new BulkInsert(database, insert, COLUMN_COUNT);
    const select = `SELECT ${COLUMNS} FROM sessions WHERE site = ? AND day = ? AND stream = ?`;
    this.#ofDay = database.prepare(select);
    this.#onDay = database.prepare(`${select} AND number = ?`);
    this.#remove = database.prepare(
      "DELETE FROM sessions WHERE site = ? AND day = ? AND stream = ? AND number = ?",
    );
    this.#addAlias = database.prepare("INSERT INTO session_aliases VALUES (?, ?, ?)");
  }

  /** The sessions of a stream that have an event on `day`, in days since 1970-01-01. */
  ofDay(site: number, day: number, stream: number): Session[] {
    return this.#ofDay.all(site, day, stream).map((row) => toSession(this.#lastOf(row, site, day)));
  }

  /** Writes sessions. */
  write(site: number, sessions: Iterable<StoredSession>): void {
    const rows = [...sessions].flatMap(rowsOf).sort(compareRows);
    for (const { day, session, isLast } of rows) addRow(this.#rows, site, day, session, isLast);
    this.#rows.flush();
  }

  /** Drops what a failed write has left, as when the transaction is rolled back. */
  clear(): void {
    this.#rows.clear();
  }

  /** Removes the session `gone`, of which the events belong to `session` from now on, or to what that becomes part of. */
  replace(site: number, gone: Session, session: number): void {
    // Day by day: a range of days would go through all of their sessions.
    for (let day = dayOf(gone.startMs); day <= dayOf(gone.endMs); day += 1) {
      this.#remove.run(site, day, gone.stream, gone.number);
    }
    this.#addAlias.run(site, gone.number, session);
  }

  /** The row of the last day of a session that has `row` on `day`. */
  #lastOf(row: Row, site: number, day: number): Row {
    let last: Row | undefined = row;
    for (let next = day + 1; last?.start_ms === null; next += 1) {
      last = this.#onDay.get(site, next, row.stream, row.number);
    }
    if (!last) throw new Error(`session ${row.number} of site ${site} has no row of its last day`);
    return last;
  }
}

/** A row that is to be written. */
interface DayOfSession {
  readonly day: number;
  readonly session: Session;
  readonly isLast: boolean;
}

/** The rows of a session that are not written as they are to be, which they are from now on. */
function rowsOf(stored: StoredSession): DayOfSession[] {
  const { session, firstDay, lastDay } = stored;
  const [first, last] = [dayOf(session.startMs), dayOf(session.endMs)];
  const rows: DayOfSession[] = [{ day: last, session, isLast: true }];
  for (let day = first; day < last; day += 1) {
    if (day < firstDay || day >= lastDay) rows.push({ day, session, isLast: false });
  }
  stored.firstDay = first;
  stored.lastDay = last;
  return rows;
}

/** As the tree has them: neighbours share pages. */
function compareRows(a: DayOfSession, b: DayOfSession): number {
  return a.day - b.day || a.session.stream - b.session.stream || a.session.number - b.session.number;
}

function toSession(row: Row): Session {
  return {
    ...{ number: row.number, stream: row.stream, startMs: row.start_ms ?? 0, endMs: row.end_ms },
    ...{ events: row.events, pageviews: row.pageviews },
    ...{ entryMs: row.entry_ms, entryPath: row.entry_path, exitMs: row.exit_ms, exitPath: row.exit_path },
  };
}

function addRow(rows: BulkInsert, site: number, day: number, session: Session, isLast: boolean): void {
  const { number, stream, startMs, endMs, events, pageviews } = session;
  const { entryMs, entryPath, exitMs, exitPath } = session;
  if (!isLast) rows.add(site, day, stream, number, null, null, null, null, null, null, null, null);
  else
    rows.add(
      ...[site, day, stream, number, startMs, endMs, events, pageviews],
      ...[entryMs, entryPath, exitMs, exitPath],
    );
}
