// Rows are inserted many at a time: to run a statement costs more than to insert a row by it.

import type { Database, Statement } from "better-sqlite3";

/** Enough that running the statement does not count; more would only make its parameters harder to bind. */
export const ROWS_AT_A_TIME = 50;

type Value = string | number | null;

/** The values of a column, row by row; NaN stands for NULL. */
export type Column = ArrayLike<Value>;

export class BulkInsert {
  readonly #columns: number;
  readonly #insertMany: Statement<Value[]>;
  readonly #insertOne: Statement<Value[]>;

  /** `insert` is the statement up to VALUES, of rows with `columns` columns. */
  constructor(database: Database, insert: string, columns: number) {
    const prepare = (rows: number) =>
      database.prepare<Value[]>(`${insert} VALUES ${placeholders(columns, rows)}`);
    this.#columns = columns;
    this.#insertMany = prepare(ROWS_AT_A_TIME);
    this.#insertOne = prepare(1);
  }

  /** Inserts `rows` rows, given as columns. */
  insert(rows: number, columns: readonly Column[]): void {
    let row = 0;
    const many: Value[] = Array(ROWS_AT_A_TIME * this.#columns).fill(null);
    for (; row + ROWS_AT_A_TIME <= rows; row += ROWS_AT_A_TIME) {
      for (let place = 0; place < this.#columns; place += 1) {
        put(many, place, this.#columns, columns[place] ?? [], row);
      }
      // As arguments: values in an array take longer to bind.
      this.#insertMany.run(...many);
    }
    for (; row < rows; row += 1) this.#insertOne.run(...columns.map((column) => column[row] ?? null));
  }
}

/** Puts the values of a column, from `row` on, where they belong among those of all columns. */
function put(many: Value[], place: number, columns: number, column: Column, row: number): void {
  for (let next = 0; next < ROWS_AT_A_TIME; next += 1) {
    many[place + next * columns] = column[row + next] ?? null;
  }
}

/** "(?, ?), (?, ?)" for two rows of two columns. */
function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
