// Collects the rows of the table `sessions`.

import { dayOf } from "../ingest/timestamp.ts";
import { endOf, type Session } from "../projector/session.ts";
import type { SessionColumns } from "./changes.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import type { KnownSession } from "./streams.ts";

export class SessionRows {
  readonly #sites = new GrowingNumbers();
  readonly #days = new GrowingNumbers();
  readonly #streams = new GrowingNumbers();
  readonly #sessions = new GrowingNumbers();
  readonly #startMs = new GrowingNumbers();
  readonly #endMs = new GrowingNumbers();
  readonly #events = new GrowingNumbers();
  readonly #pageviews = new GrowingNumbers();
  readonly #entryMs = new GrowingNumbers();
  readonly #exitMs = new GrowingNumbers();
  readonly #entryPaths: (string | null)[] = [];
  readonly #exitPaths: (string | null)[] = [];

  /** Takes the rows of sessions that are not written as they are to be, which they are from now on. */
  add(site: number, sessions: KnownSession[]): void {
    for (const known of sessions) {
      const first = dayOf(known.startMs);
      const last = dayOf(endOf(known));
      for (let day = first; day < last; day += 1) {
        if (day < known.firstDay || day >= known.lastDay) this.#addEarlier(site, day, known);
      }
      known.firstDay = first;
      known.lastDay = last;
    }
    for (const known of sessions.sort(compareRows)) this.#addLast(site, known.lastDay, known);
  }

  columns(): SessionColumns {
    const numbers = [
      ...[this.#sites, this.#days, this.#streams, this.#sessions, this.#startMs, this.#endMs],
      ...[this.#events, this.#pageviews, this.#entryMs, this.#exitMs],
    ];
    return {
      numbers: numbers.map((column) => column.values()),
      ...{ entryPaths: this.#entryPaths, exitPaths: this.#exitPaths },
    };
  }

  /** The row of a session's last day says what it is. */
  #addLast(site: number, day: number, session: Session): void {
    this.#sites.push(site);
    this.#days.push(day);
    this.#streams.push(session.stream);
    this.#sessions.push(session.number);
    this.#startMs.push(session.startMs);
    this.#endMs.push(endOf(session));
    this.#events.push(session.events);
    this.#pageviews.push(session.pageviews);
    this.#entryMs.push(session.startMs + session.entryAfterMs);
    this.#entryPaths.push(session.entryPath);
    const isEntry = session.exitAfterMs === session.entryAfterMs && session.exitPath === session.entryPath;
    this.#exitMs.push(isEntry ? Number.NaN : session.startMs + session.exitAfterMs);
    this.#exitPaths.push(isEntry ? null : session.exitPath);
  }

  /** That of an earlier day says nothing. */
  #addEarlier(site: number, day: number, { stream, number }: Session): void {
    this.#sites.push(site);
    this.#days.push(day);
    this.#streams.push(stream);
    this.#sessions.push(number);
    const facts = [this.#startMs, this.#endMs, this.#events, this.#pageviews, this.#entryMs, this.#exitMs];
    for (const fact of facts) fact.push(Number.NaN);
    this.#entryPaths.push(null);
    this.#exitPaths.push(null);
  }
}

/** About as the tree has them: neighbours share pages. */
function compareRows(a: KnownSession, b: KnownSession): number {
  return a.lastDay - b.lastDay || a.stream - b.stream || a.number - b.number;
}
