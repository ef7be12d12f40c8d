// The fold: what events that count change in the read model. It depends on nothing but the events: no clock, no random
// number, no I/O.

import { dayOf } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "./event-decoder.ts";

/** The `event_type` that counts as a view. */
export const VIEW = "page_view";

/** What is new with an event: both are false without a user id, and for a bot's. */
export interface Novelty {
  /** Whether no earlier event of the site that is not a bot's has its user id. */
  readonly isNewUser: boolean;
  /** Whether none of the site and its day has. */
  readonly isNewOnDay: boolean;
}

/** What changes for one site on one day. */
export interface DayChanges {
  views: number;
  /** How many user ids are new on that day. */
  users: number;
  readonly paths: Map<string, number>;
}

/** What changes for one site. */
export interface SiteChanges {
  /** How many user ids are new. */
  users: number;
  /** By day, in days since 1970-01-01. */
  readonly days: Map<number, DayChanges>;
}

export class Fold {
  readonly #sites = new Map<string, SiteChanges>();

  /** Takes an event that counts. They come in log order. Those of bots are in no statistics of a day. */
  add(event: LoggedEvent, { isNewUser, isNewOnDay }: Novelty): void {
    if (event.more?.isBot) return;
    let site = this.#sites.get(event.siteId);
    if (!site) {
      site = { users: 0, days: new Map() };
      this.#sites.set(event.siteId, site);
    }
    if (isNewUser) site.users += 1;
    const changes = changesOf(site.days, dayOf(event.timeMs));
    if (isNewOnDay) changes.users += 1;
    if (event.eventType === VIEW) addView(changes, event.path);
  }

  /** What the events that were taken change, by site id, in the order of their first events. */
  changes(): ReadonlyMap<string, SiteChanges> {
    return this.#sites;
  }
}

function addView(changes: DayChanges, path: string): void {
  changes.views += 1;
  if (path !== "") changes.paths.set(path, (changes.paths.get(path) ?? 0) + 1);
}

function changesOf(days: Map<number, DayChanges>, day: number): DayChanges {
  let changes = days.get(day);
  if (!changes) {
    changes = { views: 0, users: 0, paths: new Map() };
    days.set(day, changes);
  }
  return changes;
}
