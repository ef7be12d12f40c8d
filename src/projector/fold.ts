// The fold: what events that count change in the read model. It depends on nothing but the events: no clock, no random
// number, no I/O.

import { daysFromCivil } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "./event-decoder.ts";

/** The `event_type` that counts as a view. */
const VIEW = "page_view";

/** What changes for one site on one day. */
export interface DayChanges {
  views: number;
  readonly paths: Map<string, number>;
  readonly users: Set<string>;
}

/** By site id, then by day (days since 1970-01-01). Sites in the order of their first event. */
type Changes = ReadonlyMap<string, ReadonlyMap<number, DayChanges>>;

export class Fold {
  readonly #sites = new Map<string, Map<number, DayChanges>>();
  #date = "";
  #day = Number.NaN;

  /** Takes an event that counts. They come in log order. */
  add(event: LoggedEvent): void {
    let days = this.#sites.get(event.siteId);
    if (!days) {
      days = new Map();
      this.#sites.set(event.siteId, days);
    }
    addEvent(changesOf(days, this.#dayOf(event.timestamp)), event);
  }

  /** What the events that were taken change. */
  changes(): Changes {
    return this.#sites;
  }

  /** Events that follow each other are mostly of one day. */
  #dayOf(timestamp: string): number {
    const date = timestamp.slice(0, "YYYY-MM-DD".length);
    if (date !== this.#date) {
      this.#date = date;
      this.#day = dayOf(timestamp);
    }
    return this.#day;
  }
}

function addEvent(changes: DayChanges, event: LoggedEvent): void {
  if (event.userId !== "") changes.users.add(event.userId);
  if (event.eventType !== VIEW) return;
  changes.views += 1;
  if (event.path !== "") changes.paths.set(event.path, (changes.paths.get(event.path) ?? 0) + 1);
}

function changesOf(days: Map<number, DayChanges>, day: number): DayChanges {
  let changes = days.get(day);
  if (!changes) {
    changes = { views: 0, paths: new Map(), users: new Set() };
    days.set(day, changes);
  }
  return changes;
}

/** The UTC day of a canonical timestamp, in days since 1970-01-01. */
export function dayOf(timestamp: string): number {
  return daysFromCivil(
    Number(timestamp.slice(0, 4)),
    Number(timestamp.slice(5, 7)),
    Number(timestamp.slice(8, 10)),
  );
}
