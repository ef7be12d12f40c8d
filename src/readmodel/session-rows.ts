// Collects the rows of the table `sessions`.

import { endOf, isOneView, type Session } from "../projector/session.ts";
import type { SessionColumns } from "./changes.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import { periodOf } from "./session-periods.ts";
import type { KnownSession } from "./streams.ts";

export class SessionRows {
  readonly #ofOneView = new Rows();
  readonly #others = new Rows();
  readonly #endMs = new GrowingNumbers();
  readonly #events = new GrowingNumbers();
  readonly #pageviews = new GrowingNumbers();
  readonly #entryMs = new GrowingNumbers();
  readonly #exitMs = new GrowingNumbers();
  readonly #exitPaths: (string | null)[] = [];

  /** Takes the rows of sessions that are not written as they are to be, which they are from now on. */
  add(site: number, sessions: KnownSession[]): void {
    for (const known of sessions) {
      const first = periodOf(known.startMs);
      const last = periodOf(endOf(known));
      for (let period = first; period < last; period += 1) {
        if (period < known.firstPeriod || period >= known.lastPeriod) this.#addEarlier(site, period, known);
      }
      known.firstPeriod = first;
      known.lastPeriod = last;
    }
    for (const known of sessions) this.#addLast(site, known.lastPeriod, known);
  }

  columns(): SessionColumns {
    const facts = [this.#endMs, this.#events, this.#pageviews, this.#entryMs, this.#exitMs];
    return {
      ofOneView: { numbers: this.#ofOneView.numbers(), paths: this.#ofOneView.entryPaths },
      others: {
        numbers: [...this.#others.numbers(), ...facts.map((fact) => fact.values())],
        entryPaths: this.#others.entryPaths,
        exitPaths: this.#exitPaths,
      },
    };
  }

  /** The row of a session's last period says what it is. */
  #addLast(site: number, period: number, session: Session): void {
    const { startMs, entryPath } = session;
    if (isOneView(session)) {
      this.#ofOneView.add(site, period, session, startMs, entryPath);
      return;
    }
    this.#others.add(site, period, session, startMs, entryPath);
    this.#endMs.push(endOf(session));
    this.#events.push(session.events);
    this.#pageviews.push(session.pageviews);
    this.#entryMs.push(startMs + session.entryAfterMs);
    const isEntry = session.exitAfterMs === session.entryAfterMs && session.exitPath === entryPath;
    this.#exitMs.push(isEntry ? Number.NaN : startMs + session.exitAfterMs);
    this.#exitPaths.push(isEntry ? null : session.exitPath);
  }

  /** That of an earlier period says nothing. */
  #addEarlier(site: number, period: number, session: Session): void {
    this.#others.add(site, period, session, Number.NaN, null);
    const facts = [this.#endMs, this.#events, this.#pageviews, this.#entryMs, this.#exitMs];
    for (const fact of facts) fact.push(Number.NaN);
    this.#exitPaths.push(null);
  }
}

/** What all rows have. */
class Rows {
  readonly entryPaths: (string | null)[] = [];
  readonly #sites = new GrowingNumbers();
  readonly #periods = new GrowingNumbers();
  readonly #streams = new GrowingNumbers();
  readonly #sessions = new GrowingNumbers();
  readonly #startMs = new GrowingNumbers();

  add(site: number, period: number, { stream, number }: Session, startMs: number, path: string | null): void {
    this.#sites.push(site);
    this.#periods.push(period);
    this.#streams.push(stream);
    this.#sessions.push(number);
    this.#startMs.push(startMs);
    this.entryPaths.push(path);
  }

  numbers(): Float64Array<ArrayBuffer>[] {
    const columns = [this.#sites, this.#periods, this.#streams, this.#sessions, this.#startMs];
    return columns.map((column) => column.values());
  }
}
