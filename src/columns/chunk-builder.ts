// Collects rows as the columns of a chunk.

import {
  type ColumnName,
  type Columns,
  type IntegerColumn,
  isIntegerColumn,
  isNumberColumn,
  type NumberColumn,
  type TextColumnName,
} from "./chunk.ts";
import { decodeIntegers, decodeNumbers, decodeTexts, encodeNumbers, encodeTexts, rowsOf } from "./column.ts";
import { widened } from "./widened.ts";

const FIRST_ROOM = 32;

export class ChunkBuilder {
  readonly #numbers = new Map<NumberColumn, Float64Array<ArrayBuffer>>();
  readonly #integers = new Map<IntegerColumn, Uint32Array<ArrayBuffer>>();
  readonly #texts = new Map<TextColumnName, GrowingTexts>();
  #room = FIRST_ROOM;
  #rows = 0;
  #characters = 0;

  get rows(): number {
    return this.#rows;
  }

  /** How long its distinct texts are, together, in UTF-16 units: texts are the one thing in it that may be large. */
  get characters(): number {
    return this.#characters;
  }

  /** Begins a row, which is 0 or empty in all columns; its place. */
  addRow(): number {
    if (this.#rows === this.#room) this.#grow(this.#room * 2);
    this.#rows += 1;
    return this.#rows - 1;
  }

  setNumber(column: NumberColumn, row: number, value: number): void {
    if (value !== 0) this.#numbersOf(column)[row] = value;
  }

  setInteger(column: IntegerColumn, row: number, value: number): void {
    if (value !== 0) this.#integersOf(column)[row] = value;
  }

  setText(column: TextColumnName, row: number, text: string): void {
    if (text !== "") this.#putText(this.#textsOf(column), row, text);
  }

  /** Takes the rows of a chunk. */
  append(columns: Columns): void {
    const start = this.#rows;
    const rows = Math.max(0, ...[...columns.values()].map(rowsOf));
    if (start + rows > this.#room) this.#grow(Math.max(this.#room * 2, start + rows));
    this.#rows += rows;
    for (const [name, bytes] of columns) {
      if (isNumberColumn(name)) this.#numbersOf(name).set(decodeNumbers(bytes), start);
      else if (isIntegerColumn(name)) this.#integersOf(name).set(decodeIntegers(bytes), start);
      else {
        const texts = this.#textsOf(name);
        const { codes, dictionary } = decodeTexts(bytes);
        for (let row = 0; row < codes.length; row += 1) {
          this.#putText(texts, start + row, dictionary[codes[row] ?? 0] ?? "");
        }
      }
    }
  }

  /** The columns of what was taken. */
  columns(): Columns {
    const columns = new Map<ColumnName, Buffer>();
    for (const [name, values] of [...this.#numbers, ...this.#integers]) {
      columns.set(name, encodeNumbers(values.subarray(0, this.#rows)));
    }
    for (const [name, { codes, dictionary }] of this.#texts) {
      columns.set(name, encodeTexts(codes.subarray(0, this.#rows), [...dictionary.keys()]));
    }
    return columns;
  }

  #putText({ codes, dictionary }: GrowingTexts, row: number, text: string): void {
    let code = dictionary.get(text);
    if (code === undefined) {
      code = dictionary.size;
      dictionary.set(text, code);
      this.#characters += text.length;
    }
    codes[row] = code;
  }

  #numbersOf(column: NumberColumn): Float64Array {
    let values = this.#numbers.get(column);
    if (!values) {
      values = new Float64Array(this.#room);
      this.#numbers.set(column, values);
    }
    return values;
  }

  #integersOf(column: IntegerColumn): Uint32Array {
    let values = this.#integers.get(column);
    if (!values) {
      values = new Uint32Array(this.#room);
      this.#integers.set(column, values);
    }
    return values;
  }

  #textsOf(column: TextColumnName): GrowingTexts {
    let texts = this.#texts.get(column);
    if (!texts) {
      texts = { codes: new Uint32Array(this.#room), dictionary: new Map([["", 0]]) };
      this.#texts.set(column, texts);
    }
    return texts;
  }

  #grow(room: number): void {
    this.#room = room;
    for (const [name, values] of this.#numbers) {
      const wide = new Float64Array(room);
      wide.set(values);
      this.#numbers.set(name, wide);
    }
    for (const [name, values] of this.#integers) this.#integers.set(name, widened(values, room));
    for (const texts of this.#texts.values()) texts.codes = widened(texts.codes, room);
  }
}

interface GrowingTexts {
  codes: Uint32Array<ArrayBuffer>;
  /** The texts in the order of their codes. */
  readonly dictionary: Map<string, number>;
}
