// The fold: what events that count change in the read model. A pure function; no clock, no random number, no I/O.

import { daysFromCivil } from "../ingest/timestamp.ts";
import type { RecordedEvent } from "../log/records.ts";
import { ALL_TIME } from "../readmodel/schema.ts";

/** The `event_type` that counts as a view. */
const VIEW = "page_view";

export interface OffsetEvent {
  readonly offset: number;
  readonly event: RecordedEvent;
}

/** What changes for one site on one day, or for all time. */
export interface DayChanges {
  views: number;
  readonly paths: Map<string, number>;
  readonly users: Set<string>;
}

/** By site id, then by day (days since 1970-01-01, or ALL_TIME). Sites in the order of their first event. */
type Changes = ReadonlyMap<string, ReadonlyMap<number, DayChanges>>;

/** Folds events that count, in log order. */
export function foldEvents(events: readonly OffsetEvent[]): Changes {
  const sites = new Map<string, Map<number, DayChanges>>();
  for (const { event } of events) {
    let days = sites.get(event.siteId);
    if (!days) {
      days = new Map();
      sites.set(event.siteId, days);
    }
    addEvent(changesOf(days, dayOf(event.timestamp)), event);
  }
  for (const days of sites.values()) addAllTime(days);
  return sites;
}

function addEvent(changes: DayChanges, event: RecordedEvent): void {
  if (event.userId !== "") changes.users.add(event.userId);
  if (event.eventType !== VIEW) return;
  changes.views += 1;
  if (event.path !== "") changes.paths.set(event.path, (changes.paths.get(event.path) ?? 0) + 1);
}

/** Adds the days up; users stay distinct. */
function addAllTime(days: Map<number, DayChanges>): void {
  const total: DayChanges = { views: 0, paths: new Map(), users: new Set() };
  for (const day of days.values()) {
    total.views += day.views;
    for (const [path, views] of day.paths) total.paths.set(path, (total.paths.get(path) ?? 0) + views);
    for (const user of day.users) total.users.add(user);
  }
  days.set(ALL_TIME, total);
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
