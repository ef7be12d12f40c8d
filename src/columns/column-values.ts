// The values of a column that is being made, row by row. A row that is not set is 0, or empty.

import type { TextColumn } from "./column.ts";
import { Dictionary } from "./dictionary.ts";
import { widened } from "./widened.ts";

type Numbers = Float64Array | Uint32Array;

export class NumberValues<Values extends Numbers = Numbers> {
  readonly #allocate: (room: number) => Values;
  #values: Values;
  #isEmpty = true;

  /** `allocate` makes an array of zeros. */
  constructor(room: number, allocate: (room: number) => Values) {
    this.#allocate = allocate;
    this.#values = allocate(room);
  }

  /** Whether all rows are 0. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** With the room behind the last row. */
  get values(): Values {
    return this.#values;
  }

  set(row: number, value: number): void {
    if (value === 0) return;
    this.#values[row] = value;
    this.#isEmpty = false;
  }

  grow(room: number): void {
    const wide = this.#allocate(room);
    wide.set(this.#values);
    this.#values = wide;
  }
}

/** Texts, each as its place among those that are different. */
export class TextValues {
  #codes: Uint32Array<ArrayBuffer>;
  readonly #dictionary = new Dictionary();
  readonly #onNew: (text: string) => void;

  /** `onNew` is told of each text that was not there before. */
  constructor(room: number, onNew: (text: string) => void) {
    this.#codes = new Uint32Array(room);
    this.#onNew = onNew;
  }

  /** Whether all rows are empty. */
  get isEmpty(): boolean {
    return this.#dictionary.texts.length === 1;
  }

  /** With the room behind the last row. */
  get codes(): Uint32Array {
    return this.#codes;
  }

  /** Those that are different, by their codes; the first one is empty. */
  get dictionary(): readonly string[] {
    return this.#dictionary.texts;
  }

  /** `hash` is the text's as Dictionary.codeFor() takes it, or 0 for none. */
  set(row: number, text: string, hash = 0): void {
    this.#codes[row] = this.#codeFor(text, hash);
  }

  /** Puts the rows of a column behind each other, from `start` on. */
  setAll(start: number, { codes, dictionary }: TextColumn): void {
    const own = dictionary.map((text) => this.#codeFor(text, 0));
    for (let row = 0; row < codes.length; row += 1) this.#codes[start + row] = own[codes[row] ?? 0] ?? 0;
  }

  grow(room: number): void {
    this.#codes = widened(this.#codes, room);
  }

  #codeFor(text: string, hash: number): number {
    const { length } = this.#dictionary.texts;
    const code = this.#dictionary.codeFor(text, hash);
    if (code === length) this.#onNew(text);
    return code;
  }
}
