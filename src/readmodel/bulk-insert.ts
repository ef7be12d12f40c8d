// Rows are inserted many at a time: to run a statement costs more than to insert a row by it.

import type { Database, Statement } from "better-sqlite3";

/** Enough that running the statement does not count; more would only make its parameters harder to bind. */
export const ROWS_AT_A_TIME = 50;

type Value = string | number | null;

/** "(?, ?), (?, ?)" for two rows of two columns. */
export function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}

export class BulkInsert {
  readonly #columns: number;
  readonly #insertMany: Statement<Value[]>;
  readonly #insertOne: Statement<Value[]>;
  readonly #values: Value[] = [];

  /** `insert` is the statement up to VALUES, of rows with `columns` columns. */
  constructor(database: Database, insert: string, columns: number) {
    const prepare = (rows: number) =>
      database.prepare<Value[]>(`${insert} VALUES ${placeholders(columns, rows)}`);
    this.#columns = columns;
    this.#insertMany = prepare(ROWS_AT_A_TIME);
    this.#insertOne = prepare(1);
  }

  /** Takes a row; it may be inserted later. */
  add(...row: Value[]): void {
    const values = this.#values;
    values.push(...row);
    if (values.length < ROWS_AT_A_TIME * this.#columns) return;
    // As arguments: values in an array take longer to bind.
    this.#insertMany.run(...values);
    values.length = 0;
  }

  /** Inserts what was taken. */
  flush(): void {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#insertOne.run(...this.#values.slice(at, at + this.#columns));
    }
    this.clear();
  }

  /** Drops what was taken and not inserted, as when the transaction is rolled back. */
  clear(): void {
    this.#values.length = 0;
  }
}
