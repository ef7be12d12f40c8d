// Collects the rows of the table `sessions`.

import { dayOf } from "../ingest/timestamp.ts";
import type { Session } from "../projector/session.ts";
import type { SessionColumns } from "./changes.ts";
import type { KnownSession } from "./streams.ts";

export class SessionRows {
  readonly #sites: number[] = [];
  readonly #days: number[] = [];
  readonly #streams: number[] = [];
  readonly #sessions: number[] = [];
  readonly #startMs: number[] = [];
  readonly #endMs: number[] = [];
  readonly #events: number[] = [];
  readonly #pageviews: number[] = [];
  readonly #entryMs: number[] = [];
  readonly #exitMs: number[] = [];
  readonly #entryPaths: (string | null)[] = [];
  readonly #exitPaths: (string | null)[] = [];

  /** Takes the rows of sessions that are not written as they are to be, which they are from now on. */
  add(site: number, sessions: KnownSession[]): void {
    for (const known of sessions) {
      const first = dayOf(known.startMs);
      const last = dayOf(known.endMs);
      for (let day = first; day < last; day += 1) {
        if (day < known.firstDay || day >= known.lastDay) this.#add(site, day, known, NOTHING);
      }
      known.firstDay = first;
      known.lastDay = last;
    }
    for (const known of sessions.sort(compareRows)) this.#add(site, known.lastDay, known, known);
  }

  columns(): SessionColumns {
    const numbers = [
      ...[this.#sites, this.#days, this.#streams, this.#sessions, this.#startMs, this.#endMs],
      ...[this.#events, this.#pageviews, this.#entryMs, this.#exitMs],
    ];
    return {
      numbers: numbers.map((column) => new Float64Array(column)),
      ...{ entryPaths: this.#entryPaths, exitPaths: this.#exitPaths },
    };
  }

  #add(site: number, day: number, { stream, number }: Session, facts: Facts): void {
    this.#sites.push(site);
    this.#days.push(day);
    this.#streams.push(stream);
    this.#sessions.push(number);
    this.#startMs.push(facts.startMs);
    this.#endMs.push(facts.endMs);
    this.#events.push(facts.events);
    this.#pageviews.push(facts.pageviews);
    this.#entryMs.push(facts.entryMs);
    this.#exitMs.push(facts.exitMs);
    this.#entryPaths.push(facts.entryPath);
    this.#exitPaths.push(facts.exitPath);
  }
}

/** What a row says: that of a session's last day says what it is, the others nothing. */
type Facts = Omit<Session, "number" | "stream" | "entryPath" | "exitPath"> & {
  readonly entryPath: string | null;
  readonly exitPath: string | null;
};

const NOTHING: Facts = {
  ...{ startMs: Number.NaN, endMs: Number.NaN, events: Number.NaN, pageviews: Number.NaN },
  ...{ entryMs: Number.NaN, entryPath: null, exitMs: Number.NaN, exitPath: null },
};

/** About as the tree has them: neighbours share pages. */
function compareRows(a: KnownSession, b: KnownSession): number {
  return a.lastDay - b.lastDay || a.stream - b.stream || a.number - b.number;
}
