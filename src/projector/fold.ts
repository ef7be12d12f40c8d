// The fold: what events that count change in the read model. It depends on nothing but the events: no clock, no random
// number, no I/O.

import { dayOf } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "./event-decoder.ts";

/** The `event_type` that counts as a view. */
export const VIEW = "page_view";

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

  /** Takes an event that counts. They come in log order. Those of bots are in no statistics of a day. */
  add(event: LoggedEvent): void {
    if (event.more?.isBot) return;
    let days = this.#sites.get(event.siteId);
    if (!days) {
      days = new Map();
      this.#sites.set(event.siteId, days);
    }
    addEvent(changesOf(days, dayOf(event.timeMs)), event);
  }

  /** What the events that were taken change. */
  changes(): Changes {
    return this.#sites;
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
