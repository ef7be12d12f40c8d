// How much the rows of days may have grown in number and characters, so that they are looked at again only then.

import { ALL_TIME } from "./schema.ts";

/** More days than get rows again and again; each takes some hundred bytes. */
const MOST_DAYS = 10_000;
const DAYS_OF_SITE = 2 ** 22;

export class Growth {
  readonly #rows: number;
  readonly #characters: number;
  readonly #days = new Map<number, { rows: number; characters: number }>();

  /** It is time to look again after so many rows, or so many characters of them. */
  constructor(rows: number, characters: number) {
    this.#rows = rows;
    this.#characters = characters;
  }

  /** Whether the rows of a day must be looked at, now that there may be so many more: also when nothing is known of them. */
  add(site: number, day: number, rows: number, characters: number): boolean {
    const key = site * DAYS_OF_SITE + day - ALL_TIME;
    const known = this.#days.get(key);
    if (known && known.rows + rows < this.#rows && known.characters + characters < this.#characters) {
      known.rows += rows;
      known.characters += characters;
      return false;
    }
    if (!known && this.#days.size === MOST_DAYS) this.#days.clear();
    this.#days.set(key, { rows: 0, characters: 0 });
    return true;
  }
}
