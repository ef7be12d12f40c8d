// Tells whether a visitor has come on a day before. Where all who came on it are in memory, nothing is looked up.

import type { Database, Statement } from "better-sqlite3";

interface Day {
  readonly streams: Set<number>;
  /** Whether no other user has come on it. */
  readonly areAll: boolean;
}

export class DayVisitors {
  readonly #exists: Statement<[number, number, number], number>;
  readonly #most: number;
  readonly #sites = new Map<number, Map<number, Day>>();
  /** Those that were asked about since the last trim(). */
  readonly #touched = new Set<Day>();
  /** How many visitors of days are in memory. */
  #seen = 0;

  /** Keeps `most` visitors of days in memory from one batch to the next. */
  constructor(database: Database, most: number) {
    this.#most = most;
    this.#exists = database
      .prepare<[number, number, number], number>(
        "SELECT 1 FROM sessions WHERE site = ? AND day = ? AND stream = ? LIMIT 1",
      )
      .pluck();
  }

  /**
   * Whether this is the first time that `stream` of `site` is asked about for `day`, and it has no session on it in the
   * table. `lastDay` is the last day that the site has a session on, in the table or not.
   */
  isFirst(site: number, day: number, stream: number, lastDay: number): boolean {
    const known = this.#dayOf(site, day, lastDay);
    this.#touched.add(known);
    if (known.streams.has(stream)) return false;
    known.streams.add(stream);
    this.#seen += 1;
    return known.areAll || this.#exists.get(site, day, stream) === undefined;
  }

  /** Forgets days when it has many, first those that nobody came on since the last time. All sessions must be written. */
  trim(): void {
    if (this.#seen > this.#most) this.#forgetUntouched();
    if (this.#seen > this.#most) this.clear();
    this.#touched.clear();
  }

  clear(): void {
    this.#sites.clear();
    this.#touched.clear();
    this.#seen = 0;
  }

  #forgetUntouched(): void {
    for (const [site, days] of this.#sites) {
      for (const [day, known] of days) {
        if (this.#touched.has(known)) continue;
        days.delete(day);
        this.#seen -= known.streams.size;
      }
      if (days.size === 0) this.#sites.delete(site);
    }
  }

  #dayOf(site: number, day: number, lastDay: number): Day {
    let days = this.#sites.get(site);
    if (!days) {
      days = new Map();
      this.#sites.set(site, days);
    }
    let known = days.get(day);
    if (!known) {
      known = { streams: new Set(), areAll: lastDay < day };
      days.set(day, known);
    }
    return known;
  }
}
