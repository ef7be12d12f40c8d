// Reads the table `sessions`.

import type { Database, Statement } from "better-sqlite3";
import { oneView, type Session, small } from "../projector/session.ts";

const COLUMNS =
  "number, stream, start_ms, end_ms, events, pageviews, entry_ms, entry_path, exit_ms, exit_path";

interface Row {
  readonly number: number;
  readonly stream: number;
  /** NULL, as all that follows, when the session has events in a later period. */
  readonly start_ms: number | null;
  readonly entry_path: string;
  /** NULL, as all that follows, when the session is one page view. */
  readonly end_ms: number | null;
  readonly events: number;
  readonly pageviews: number;
  readonly entry_ms: number;
  /** NULL, as the path, when it is the entry. */
  readonly exit_ms: number | null;
  readonly exit_path: string | null;
}

export class StoredSessions {
  readonly #ofPeriods: (site: number, periods: readonly number[], stream: number) => Session[];
  readonly #ofPeriod: Statement<[number, number, number], Row>;
  readonly #inPeriod: Statement<[number, number, number, number], Row>;
  readonly #exists: Statement<[number, number, number], number>;

  constructor(database: Database) {
    const select = `SELECT ${COLUMNS} FROM sessions WHERE site = ? AND period = ? AND stream = ?`;
    this.#ofPeriod = database.prepare(select);
    this.#inPeriod = database.prepare(`${select} AND number = ?`);
    this.#exists = database
      .prepare<[number, number, number], number>(
        "SELECT 1 FROM sessions WHERE site = ? AND period = ? AND stream = ? LIMIT 1",
      )
      .pluck();
    // In one snapshot: the rows of a session must be of one state.
    this.#ofPeriods = database.transaction((site: number, periods: readonly number[], stream: number) =>
      periods.flatMap((period) =>
        this.#ofPeriod.all(site, period, stream).map((row) => toSession(this.#lastOf(row, site, period))),
      ),
    );
  }

  /** The sessions of a stream that have an event in one of `periods`; the same one may come again. */
  ofPeriods(site: number, periods: readonly number[], stream: number): Session[] {
    return this.#ofPeriods(site, periods, stream);
  }

  /** Whether a stream has a session with an event in `period`. */
  hasIn(site: number, period: number, stream: number): boolean {
    return this.#exists.get(site, period, stream) !== undefined;
  }

  /** The row of the last period of a session that has `row` in `period`. It has one in each period up to that, so with steps that
   *  double a session of many periods takes few reads. */
  #lastOf(row: Row, site: number, period: number): Row {
    let [last, from, step] = [row, period, 1];
    while (last.start_ms === null) {
      const next = this.#inPeriod.get(site, from + step, row.stream, row.number);
      if (next) [last, from, step] = [next, from + step, step * 2];
      else if (step > 1) step = 1;
      else throw new Error(`session ${row.number} of site ${site} has no row of its last period`);
    }
    return last;
  }
}

function toSession(row: Row): Session {
  const { number, stream, entry_path: entryPath } = row;
  const startMs = row.start_ms ?? 0;
  if (row.end_ms === null) return oneView(number, stream, startMs, entryPath);
  const exitMs = row.exit_ms ?? row.entry_ms;
  return {
    ...{ number, stream, startMs, lengthMs: small(row.end_ms - startMs) },
    ...{ events: row.events, pageviews: row.pageviews },
    ...{ entryAfterMs: small(row.entry_ms - startMs), entryPath },
    ...{ exitAfterMs: small(exitMs - startMs), exitPath: row.exit_path ?? entryPath },
  };
}
