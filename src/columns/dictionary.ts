// Texts that are different, each with a code: from 1 on, in the order in which they come for the first time. The empty text has 0.
//
// A text may come with a hash that whoever read its bytes has computed. Then it is found by that, which costs a fraction of a look-up in
// a Map for a text that was never seen: the Map would go through its characters once more. Texts that were made to have one hash
// are found in a Map, as those without one are.

/** With as many texts a text is compared before the Map is asked: half of the slots are free, so that good hashes need fewer. */
const MOST_PROBES = 32;
const FIRST_SLOTS = 64;
const NO_SLOTS = new Int32Array(0);
const NOWHERE = -1;

export class Dictionary {
  readonly #texts = [""];
  /** Slots, each a hash and a code; a code of 0 is a free one. There are none before there is a hash. */
  #table = NO_SLOTS;
  /** Those of texts that are not in the table. */
  readonly #others = new Map<string, number>();

  /** The texts by their codes. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  /** The code of a text. `hash` has 32 bits, signed, the last ones good; it is 0 for none, and always the same for the same text. */
  codeFor(text: string, hash: number): number {
    if (text === "") return 0;
    const at = hash === 0 ? NOWHERE : this.#find(text, hash);
    if (at === NOWHERE) return this.#others.get(text) ?? this.#putOther(text);
    const code = this.#table[at + 1] ?? 0;
    if (code !== 0) return code;
    // Before the table was made larger there may have been no slot for it.
    const other = this.#others.size > 0 ? this.#others.get(text) : undefined;
    return other ?? this.#put(at, text, hash);
  }

  /** The slot of a text, or the free one that is to be its. */
  #find(text: string, hash: number): number {
    if (this.#table.length === 0) this.#table = new Int32Array(2 * FIRST_SLOTS);
    const table = this.#table;
    let at = (hash << 1) & (table.length - 1);
    for (let probe = 0; probe < MOST_PROBES; probe += 1) {
      const code = table[at + 1] ?? 0;
      if (code === 0 || (table[at] === hash && this.#texts[code] === text)) return at;
      at = (at + 2) & (table.length - 1);
    }
    return NOWHERE;
  }

  #putOther(text: string): number {
    const code = this.#texts.push(text) - 1;
    this.#others.set(text, code);
    return code;
  }

  #put(at: number, text: string, hash: number): number {
    const code = this.#texts.push(text) - 1;
    this.#table[at] = hash;
    this.#table[at + 1] = code;
    const inTable = code - this.#others.size;
    if (4 * inTable >= this.#table.length) this.#grow();
    return code;
  }

  #grow(): void {
    const before = this.#table;
    this.#table = new Int32Array(2 * before.length);
    for (let from = 0; from < before.length; from += 2) {
      const [hash, code] = [before[from] ?? 0, before[from + 1] ?? 0];
      if (code === 0) continue;
      const text = this.#texts[code] ?? "";
      const at = this.#find(text, hash);
      if (at === NOWHERE) this.#others.set(text, code);
      else {
        this.#table[at] = hash;
        this.#table[at + 1] = code;
      }
    }
  }
}
