// A row of a table in SQLite's record format: a header with the types of its values, and the values.
// https://www.sqlite.org/fileformat2.html, "Record Format"

import { putVarint, type TablePages, varintBytes } from "./table-pages.ts";

const NULL = 0;
const INT32 = 4;
const INT32_BYTES = 4;
const INT64 = 6;
const INT64_BYTES = 8;
/** That of an empty text; with each byte it is two more. */
const TEXT = 13;

const MOST_COLUMNS = 16;
const NO_BYTES = new Uint8Array(0);

export class RecordBuilder {
  #columns = 0;
  readonly #types = new Uint32Array(MOST_COLUMNS);
  /** Numbers, and where texts begin in their bytes. */
  readonly #values = new Float64Array(MOST_COLUMNS);
  readonly #bytes: Uint8Array[] = Array(MOST_COLUMNS).fill(NO_BYTES);
  /** Of the types with their own length, which is below 128: it is one byte. */
  #headerBytes = 1;
  #valueBytes = 0;

  /** Begins a row. Its first column is its id, for which the record has NULL. */
  begin(): void {
    this.#columns = 0;
    this.#headerBytes = 1;
    this.#valueBytes = 0;
    this.addNull();
  }

  addNull(): void {
    this.#add(NULL, 0, 0);
  }

  /** A whole number up to 2^53 - 1, or below 0 down to the same; NaN stands for NULL. Throws a RangeError when it is neither. */
  addNumber(value: number): void {
    if (value === (value | 0)) this.#add(INT32, INT32_BYTES, value);
    else if (Number.isNaN(value)) this.addNull();
    else if (Number.isSafeInteger(value)) this.#add(INT64, INT64_BYTES, value);
    else throw new RangeError(`${value} is no whole number, or too large`);
  }

  /** The UTF-8 from `start` up to `end`, which must not change before the row is added. Throws a RangeError when it is not there. */
  addText(bytes: Uint8Array, start: number, end: number): void {
    if (end > bytes.length) throw new RangeError("a text is not in its bytes");
    this.#bytes[this.#columns] = bytes;
    this.#add(TEXT + 2 * (end - start), end - start, start);
  }

  /** Adds the row. Throws what TablePages.add() does. */
  addTo(table: TablePages, id: number): void {
    const at = table.add(id, this.#headerBytes + this.#valueBytes);
    this.#putValues(table.page, this.#putHeader(table.page, at));
  }

  #add(type: number, bytes: number, value: number): void {
    this.#types[this.#columns] = type;
    this.#values[this.#columns] = value;
    this.#columns += 1;
    this.#headerBytes += varintBytes(type);
    this.#valueBytes += bytes;
  }

  /** Where it ends. */
  #putHeader(page: Uint8Array, start: number): number {
    page[start] = this.#headerBytes;
    let at = start + 1;
    for (let column = 0; column < this.#columns; column += 1) {
      at = putVarint(page, at, this.#types[column] ?? 0);
    }
    return at;
  }

  #putValues(page: Uint8Array, start: number): void {
    let at = start;
    for (let column = 0; column < this.#columns; column += 1) {
      const value = this.#values[column] ?? 0;
      const type = this.#types[column] ?? 0;
      if (type === INT32) at = putInt32(page, at, value);
      else if (type === INT64) at = putInt32(page, putInt32(page, at, Math.floor(value / 2 ** 32)), value);
      else if (type !== NULL) {
        const bytes = this.#bytes[column] ?? NO_BYTES;
        const end = value + (type - TEXT) / 2;
        // Texts are short: a call would cost more.
        for (let from = value; from < end; from += 1, at += 1) page[at] = bytes[from] ?? 0;
      }
    }
  }
}

/** Puts the last 32 bits of a whole number; where they end. */
function putInt32(page: Uint8Array, at: number, value: number): number {
  page[at] = value >> 24;
  page[at + 1] = value >> 16;
  page[at + 2] = value >> 8;
  page[at + 3] = value;
  return at + 4;
}
