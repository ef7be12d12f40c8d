// Which visitors have come to a site on a day before, as far as that is in memory.

interface Day {
  readonly streams: Set<number>;
  /** Whether nobody else has come on it. */
  readonly areAll: boolean;
  /** The batch in which it was asked about last. */
  askedIn: number;
}

export class DayVisitors {
  readonly #days = new Map<number, Day>();
  #seen = 0;

  /** How many visitors of days are in memory. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Whether `stream` has come on `day` before; undefined when that is not known. From now on it has. `lastDay` is the last
   * day that the site has a session on.
   */
  hasCome(day: number, stream: number, lastDay: number, batch: number): boolean | undefined {
    let known = this.#days.get(day);
    if (!known) {
      known = { streams: new Set(), areAll: lastDay < day, askedIn: batch };
      this.#days.set(day, known);
    }
    known.askedIn = batch;
    if (known.streams.has(stream)) return true;
    known.streams.add(stream);
    this.#seen += 1;
    return known.areAll ? false : undefined;
  }

  /** Forgets the days that were not asked about since `batch`. */
  forgetBefore(batch: number): void {
    for (const [day, { askedIn, streams }] of this.#days) {
      if (askedIn >= batch) continue;
      this.#days.delete(day);
      this.#seen -= streams.size;
    }
  }

  clear(): void {
    this.#days.clear();
    this.#seen = 0;
  }
}
