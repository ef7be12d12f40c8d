// The fold: what the events of a site that count change in its statistics. It depends on nothing but the events: no clock, no
// random number, no I/O.

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

/** What the events of one site change. */
export class Fold {
  #users = 0;
  readonly #days = new Map<number, DayChanges>();

  /** Takes an event of the site that counts. They come in log order. Those of bots are in no statistics of a day. */
  add(event: LoggedEvent, { isNewUser, isNewOnDay }: Novelty): void {
    if (event.more?.isBot) return;
    if (isNewUser) this.#users += 1;
    const changes = changesOf(this.#days, dayOf(event.timeMs));
    if (isNewOnDay) changes.users += 1;
    if (event.eventType === VIEW) addView(changes, event.path);
  }

  /** How many user ids are new. */
  get users(): number {
    return this.#users;
  }

  /** By day, in days since 1970-01-01. */
  get days(): ReadonlyMap<number, DayChanges> {
    return this.#days;
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
