// A bounded memory for the answers to questions that come again and again: when it is full, the answer that was not
// asked for the longest time is forgotten. A Map keeps its keys in the order in which they were set; so each answer that
// is asked for is set anew, and the first key is the one to forget.

export class Lru<T extends object> {
  readonly #maxEntries: number;
  readonly #answers = new Map<string, T>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#answers.size;
  }

  /** The answer for `key`: the remembered one, or else what `compute` gives. */
  recall(key: string, compute: (key: string) => T): T {
    const known = this.#answers.get(key);
    if (known) {
      this.#answers.delete(key);
      this.#answers.set(key, known);
      return known;
    }
    const answer = compute(key);
    if (this.#answers.size >= this.#maxEntries) this.#forgetOldest();
    this.#answers.set(copyOf(key), answer);
    return answer;
  }

  clear(): void {
    this.#answers.clear();
  }

  #forgetOldest(): void {
    const oldest = this.#answers.keys().next();
    if (!oldest.done) this.#answers.delete(oldest.value);
  }
}

/** A slice of a string keeps the whole string in memory; a copy does not. */
function copyOf(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
