// Rows are inserted many at a time: to run a statement costs more than to insert a row by it.

/** Enough that running the statement does not count; more would only make its parameters harder to bind. */
export const ROWS_AT_A_TIME = 50;

/** "(?, ?), (?, ?)" for two rows of two columns. */
export function placeholders(columns: number, rows: number): string {
  const row = `(${Array(columns).fill("?").join(", ")})`;
  return Array(rows).fill(row).join(", ");
}
