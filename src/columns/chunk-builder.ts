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
import { NumberValues, TextValues } from "./column-values.ts";

const FIRST_ROOM = 32;

export class ChunkBuilder {
  readonly #numbers = new Map<NumberColumn, NumberValues<Float64Array>>();
  readonly #integers = new Map<IntegerColumn, NumberValues<Uint32Array>>();
  readonly #texts = new Map<TextColumnName, TextValues>();
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

  /** Where the numbers of a column are put. */
  numbers(column: NumberColumn): NumberValues<Float64Array> {
    return this.#valuesOf(this.#numbers, column, (room) => new Float64Array(room));
  }

  integers(column: IntegerColumn): NumberValues<Uint32Array> {
    return this.#valuesOf(this.#integers, column, (room) => new Uint32Array(room));
  }

  texts(column: TextColumnName): TextValues {
    let values = this.#texts.get(column);
    if (!values) {
      values = new TextValues(this.#room, ({ length }) => {
        this.#characters += length;
      });
      this.#texts.set(column, values);
    }
    return values;
  }

  /** Takes the rows of a chunk. */
  append(columns: Columns): void {
    const start = this.#rows;
    const rows = Math.max(0, ...[...columns.values()].map(rowsOf));
    if (start + rows > this.#room) this.#grow(Math.max(this.#room * 2, start + rows));
    this.#rows += rows;
    for (const [name, bytes] of columns) {
      if (isNumberColumn(name)) putAll(this.numbers(name), start, decodeNumbers(bytes));
      else if (isIntegerColumn(name)) putAll(this.integers(name), start, decodeIntegers(bytes));
      else {
        this.texts(name).setAll(start, decodeTexts(bytes));
      }
    }
  }

  /** The columns of what was taken: those that have something. */
  columns(): Columns {
    const columns = new Map<ColumnName, Buffer>();
    for (const [name, { values, isEmpty }] of [...this.#numbers, ...this.#integers]) {
      if (!isEmpty) columns.set(name, encodeNumbers(values.subarray(0, this.#rows)));
    }
    for (const [name, { codes, dictionary, isEmpty }] of this.#texts) {
      if (!isEmpty) columns.set(name, encodeTexts(codes.subarray(0, this.#rows), dictionary));
    }
    return columns;
  }

  #valuesOf<Column, Values extends Float64Array | Uint32Array>(
    columns: Map<Column, NumberValues<Values>>,
    column: Column,
    allocate: (room: number) => Values,
  ): NumberValues<Values> {
    let values = columns.get(column);
    if (!values) {
      values = new NumberValues(this.#room, allocate);
      columns.set(column, values);
    }
    return values;
  }

  #grow(room: number): void {
    this.#room = room;
    const all = [...this.#numbers.values(), ...this.#integers.values(), ...this.#texts.values()];
    for (const values of all) values.grow(room);
  }
}

function putAll(values: NumberValues, start: number, numbers: ArrayLike<number>): void {
  for (let index = 0; index < numbers.length; index += 1) values.set(start + index, numbers[index] ?? 0);
}
