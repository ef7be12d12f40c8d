// Counts the user ids of a site that are new: to the site, and to each day. Users of days are not added up, as one can come on
// several.

import type { DayUsers } from "./changes.ts";
import { ALL_TIME } from "./schema.ts";

/** What is new with an event: both are false without a user id, and for a bot's. */
export interface Novelty {
  /** Whether no earlier event of the site that is not a bot's has its user id. */
  readonly isNewUser: boolean;
  /** Whether none of the site and its day has. */
  readonly isNewOnDay: boolean;
}

export class NewUsers {
  readonly #site: number;
  #days = new Map<number, number>();

  constructor(site: number) {
    this.#site = site;
  }

  /** Takes an event of `day`, in days since 1970-01-01. */
  add(day: number, { isNewUser, isNewOnDay }: Novelty): void {
    if (isNewUser) this.#count(ALL_TIME);
    if (isNewOnDay) this.#count(day);
  }

  /** How many there were since the last time. */
  take(): DayUsers[] {
    const days = [...this.#days].map(([day, users]) => ({ site: this.#site, day, users }));
    this.#days = new Map();
    return days;
  }

  #count(day: number): void {
    this.#days.set(day, (this.#days.get(day) ?? 0) + 1);
  }
}
