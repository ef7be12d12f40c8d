// Inserts rows many at a time: to run a statement costs more than to insert a row by it.

import type { Database, Statement } from "better-sqlite3";

/** Enough that running the statement does not count; more would only make its parameters harder to bind. */
export const ROWS_AT_A_TIME = 50;

type Value = string | number | null;

export class BulkInsert {
  readonly #many: Statement<[Value[]]>;
  readonly #one: Statement<[Value[]]>;
  readonly #columns: number;
  #values: Value[] = [];

  constructor(database: Database, table: string, columns: number) {
    this.#many = database.prepare<[Value[]]>(
      `INSERT INTO ${table} VALUES ${placeholders(columns, ROWS_AT_A_TIME)}`,
    );
    this.#one = database.prepare<[Value[]]>(`INSERT INTO ${table} VALUES ${placeholders(columns, 1)}`);
    this.#columns = columns;
  }

  /** Takes a row; it may be inserted later. */
  add(...row: Value[]): void {
    this.#values.push(...row);
    if (this.#values.length < ROWS_AT_A_TIME * this.#columns) return;
    this.#many.run(this.#values);
    this.#values = [];
  }

  /** Inserts what was taken. */
  flush(): void {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#one.run(this.#values.slice(at, at + this.#columns));
    }
    this.#values = [];
  }

  /** Drops what was taken and not inserted, as the transaction is rolled back. */
  clear(): void {
    this.#values = [];
  }
}

/** "(?, ?), (?, ?)" for two rows of two columns. */
export function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
