// Rows are inserted many at a time: to run a statement costs more than to insert a row by it.

import type { Database, Statement } from "better-sqlite3";

/** Enough that running the statement does not count; more would only make its parameters harder to bind. */
const ROWS_AT_A_TIME = 50;
/** As many short texts as SQLite binds without asking for memory (https://www.sqlite.org/malloc.html, "Lookaside"). */
const TEXTS_AT_A_TIME = 100;

export type Value = string | number | null;

/** The values of a column, row by row; NaN stands for NULL. */
export type Column = ArrayLike<Value>;

/** Puts the values of a row where they belong among those of all rows that are inserted together: from `at` on. */
export type PutRow = (row: number, values: Value[], at: number) => void;

export class BulkInsert {
  readonly #columns: number;
  readonly #rows: number;
  readonly #insertMany: Statement<Value[]>;
  readonly #insertOne: Statement<Value[]>;

  /** `insert` is the statement up to VALUES, of rows with `columns` columns, `texts` of which are texts. */
  constructor(database: Database, insert: string, columns: number, texts: number) {
    const prepare = (rows: number) =>
      database.prepare<Value[]>(`${insert} VALUES ${placeholders(columns, rows)}`);
    this.#columns = columns;
    this.#rows = Math.min(ROWS_AT_A_TIME, Math.floor(TEXTS_AT_A_TIME / texts));
    this.#insertMany = prepare(this.#rows);
    this.#insertOne = prepare(1);
  }

  /** Inserts `rows` rows. */
  insert(rows: number, putRow: PutRow): void {
    let row = 0;
    const many: Value[] = Array(this.#rows * this.#columns).fill(null);
    while (row + this.#rows <= rows) {
      for (let at = 0; at < many.length; at += this.#columns) {
        putRow(row, many, at);
        row += 1;
      }
      // As arguments: values in an array take longer to bind.
      this.#insertMany.run(...many);
    }
    const one: Value[] = Array(this.#columns).fill(null);
    for (; row < rows; row += 1) {
      putRow(row, one, 0);
      this.#insertOne.run(...one);
    }
  }
}

/** Rows that are given as columns. */
export function fromColumns(columns: readonly Column[]): PutRow {
  return (row, values, at) => {
    for (let place = 0; place < columns.length; place += 1)
      values[at + place] = columns[place]?.[row] ?? null;
  };
}

/** "(?, ?), (?, ?)" for two rows of two columns. */
function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
