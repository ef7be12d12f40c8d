// Keeps decoded columns, the least recently used ones are dropped. Chunks never change, so nothing is ever stale.

import type { TextColumn } from "../columns/column.ts";

export type Column = Float64Array | Uint32Array | TextColumn;

/** A place of a dictionary, and a character of its text, as V8 stores them, in bytes. */
const BYTES_PER_TEXT = 40;
const BYTES_PER_CHARACTER = 1;
/** What an entry takes beside that: its key, its place in the map, and the array's own object. */
const ENTRY_BYTES = 512;

export class ColumnCache {
  readonly #maxBytes: number;
  readonly #columns = new Map<string, { readonly column: Column; readonly bytes: number }>();
  #bytes = 0;

  /** Keeps up to `maxBytes` of them. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The column that `key` names; `read` makes it when it is not there. */
  get<C extends Column>(key: string, read: () => C, is: (column: Column) => column is C): C {
    const known = this.#columns.get(key);
    if (known && is(known.column)) {
      this.#columns.delete(key);
      this.#columns.set(key, known);
      return known.column;
    }
    const column = read();
    const bytes = bytesOf(column);
    this.#columns.set(key, { column, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes }] of this.#columns) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#columns.delete(oldest);
      this.#bytes -= bytes;
    }
    return column;
  }
}

function bytesOf(column: Column): number {
  if (!("dictionary" in column)) return ENTRY_BYTES + column.byteLength;
  const characters = column.dictionary.reduce((sum, text) => sum + text.length, 0);
  return (
    ENTRY_BYTES +
    column.codes.byteLength +
    column.dictionary.length * BYTES_PER_TEXT +
    characters * BYTES_PER_CHARACTER
  );
}
