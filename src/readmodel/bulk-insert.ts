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
  #changed = 0;

  /** `onConflict` is the clause for a row whose key is there already; without it that is an error. */
  constructor(database: Database, table: string, columns: number, onConflict = "") {
    const insert = (rows: number) =>
      database.prepare<[Value[]]>(`INSERT INTO ${table} VALUES ${placeholders(columns, rows)} ${onConflict}`);
    this.#many = insert(ROWS_AT_A_TIME);
    this.#one = insert(1);
    this.#columns = columns;
  }

  /** Takes a row; it may be inserted later. */
  add(...row: Value[]): void {
    this.#values.push(...row);
    if (this.#values.length < ROWS_AT_A_TIME * this.#columns) return;
    this.#changed += this.#many.run(this.#values).changes;
    this.#values = [];
  }

  /** Inserts what was taken; returns how many rows were inserted or changed since the flush before. */
  flush(): number {
    for (let at = 0; at < this.#values.length; at += this.#columns) {
      this.#changed += this.#one.run(this.#values.slice(at, at + this.#columns)).changes;
    }
    const changed = this.#changed;
    this.clear();
    return changed;
  }

  /** Drops what was taken and not inserted, as when the transaction is rolled back. */
  clear(): void {
    this.#values = [];
    this.#changed = 0;
  }
}

/** "(?, ?), (?, ?)" for two rows of two columns. */
export function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
