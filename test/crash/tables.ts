// Compares two databases row for row: all tables that one of them has, but of chunks the events in them.

import type { Database } from "better-sqlite3";
import { CUT_TABLES, chunkRows, topPaths } from "../columns/stored-rows.ts";
import type { Finding } from "./checks.ts";

/** One finding for each table that differs, with the first rows that do. */
export function checkTables(live: Database, fresh: Database): Finding[] {
  const findings: Finding[] = [];
  for (const table of new Set([...tablesOf(live), ...tablesOf(fresh)])) {
    const what = firstDifference(rowsOf(live, table), rowsOf(fresh, table));
    if (what) findings.push({ kind: "tables", what: `table ${table}: ${what}` });
  }
  const chunks = firstDifference(rowsIn("chunks", live, chunkRows), rowsIn("chunks", fresh, chunkRows));
  if (chunks) findings.push({ kind: "tables", what: `the events in chunks: ${chunks}` });
  const paths = firstDifference(rowsIn("site_days", live, topPaths), rowsIn("site_days", fresh, topPaths));
  if (paths) findings.push({ kind: "tables", what: `the most viewed paths: ${paths}` });
  return findings;
}

/** What `read` makes of a table; undefined when there is none. */
function rowsIn(
  table: string,
  database: Database,
  read: (database: Database) => string[],
): IterableIterator<string> | undefined {
  const isThere = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(table);
  return isThere ? read(database).values() : undefined;
}

/** The rows in the order of all columns, each as JSON; undefined when there is no such table. */
function rowsOf(database: Database, table: string): IterableIterator<unknown> | undefined {
  if (!tablesOf(database).includes(table)) return undefined;
  const columns = database
    .prepare<[string], { name: string }>("SELECT name FROM pragma_table_info(?)")
    .all(table);
  const order = columns.map(({ name }) => `"${name}"`).join(", ");
  return database.prepare(`SELECT ${order} FROM "${table}" ORDER BY ${order}`).raw().iterate();
}

function firstDifference(
  live: IterableIterator<unknown> | undefined,
  fresh: IterableIterator<unknown> | undefined,
): string | undefined {
  if (!live && !fresh) return undefined;
  if (!live || !fresh) return `only ${live ? "the server" : "the fresh fold"} has it`;
  try {
    for (let number = 1; ; number += 1) {
      const a = live.next();
      const b = fresh.next();
      if (a.done && b.done) return undefined;
      const [left, right] = [a, b].map(({ done, value }) => (done ? "none" : JSON.stringify(value)));
      if (left !== right) return `row ${number} is ${left}; of the fresh fold, ${right}`;
    }
  } finally {
    live.return?.();
    fresh.return?.();
  }
}

function tablesOf(database: Database): string[] {
  return database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map(({ name }) => name)
    .filter((name) => !CUT_TABLES.includes(name));
}
