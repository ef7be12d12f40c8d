// Which visitors have come to a site on a day before, as far as that is in memory.

import { NumberSet } from "./number-set.ts";

interface Day {
  readonly visitors: NumberSet;
  /** Whether nobody else has come on it. */
  readonly areAll: boolean;
  /** The batch in which it was asked about last. */
  askedIn: number;
}

export class DayVisitors {
  readonly #days = new Map<number, Day>();
  #pages = 0;

  /** How many pages of visitors are in memory (number-set.ts). */
  get pages(): number {
    return this.#pages;
  }

  /**
   * Whether the visitor with a number has come on `day` before; undefined when that is not known. From now on it has.
   * `lastDay` is the last day that the site has a session on.
   */
  hasCome(day: number, visitor: number, lastDay: number, batch: number): boolean | undefined {
    let known = this.#days.get(day);
    if (!known) {
      known = { visitors: new NumberSet(), areAll: lastDay < day, askedIn: batch };
      this.#days.set(day, known);
    }
    known.askedIn = batch;
    const { pages } = known.visitors;
    const isNew = known.visitors.add(visitor);
    this.#pages += known.visitors.pages - pages;
    if (!isNew) return true;
    return known.areAll ? false : undefined;
  }

  /** Forgets the days that were not asked about since `batch`. */
  forgetBefore(batch: number): void {
    for (const [day, { askedIn, visitors }] of this.#days) {
      if (askedIn >= batch) continue;
      this.#days.delete(day);
      this.#pages -= visitors.pages;
    }
  }

  clear(): void {
    this.#days.clear();
    this.#pages = 0;
  }
}
