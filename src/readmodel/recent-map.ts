// Values by site and text, of which those that were asked for of late are kept.

export class RecentMap<Value> {
  readonly #most: number;
  #recent = new Map<number, Map<string, Value>>();
  #older = new Map<number, Map<string, Value>>();
  /** How many values are in `#recent`. */
  #size = 0;

  /** Keeps the last `most` values that were set or asked for, and up to as many more. */
  constructor(most: number) {
    this.#most = most;
  }

  get(site: number, key: string): Value | undefined {
    const recent = this.#recent.get(site)?.get(key);
    if (recent !== undefined) return recent;
    const older = this.#older.get(site)?.get(key);
    if (older !== undefined) this.set(site, key, older);
    return older;
  }

  /** `key` must not be among the recent ones. */
  set(site: number, key: string, value: Value): void {
    let ofSite = this.#recent.get(site);
    if (!ofSite) {
      ofSite = new Map();
      this.#recent.set(site, ofSite);
    }
    ofSite.set(key, value);
    this.#size += 1;
  }

  /** Drops what was not asked for of late, when there are too many. Nothing is dropped otherwise. */
  trim(): void {
    if (this.#size <= this.#most) return;
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#size = 0;
  }

  clear(): void {
    this.#older.clear();
    this.#recent.clear();
    this.#size = 0;
  }
}
