// Values by text, of which those that were asked for of late are kept.

export class RecentMap<Value> {
  #recent = new Map<string, Value>();
  #older = new Map<string, Value>();

  /** How many were set or asked for since the last rotation. */
  get recent(): number {
    return this.#recent.size;
  }

  get(key: string): Value | undefined {
    const recent = this.#recent.get(key);
    if (recent !== undefined) return recent;
    const older = this.#older.get(key);
    if (older !== undefined) {
      this.#older.delete(key);
      this.#recent.set(key, older);
    }
    return older;
  }

  set(key: string, value: Value): void {
    this.#recent.set(key, value);
  }

  /** Drops what was not asked for since the last rotation. */
  rotate(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
