// The events and the sessions in the chunks of a database, row by row. How they are cut into chunks, and how often a session
// is there, depends on the batches; the events, and what sessions are in the end, do not.

import type { Database } from "better-sqlite3";
import { type Columns, unpack } from "../../src/columns/chunk.ts";
import { decodeNumbers, decodeTexts } from "../../src/columns/column.ts";
import { PATH_SIZES } from "../../src/readmodel/path-counts.ts";
import { topPathsReader } from "../../src/readmodel/top-paths.ts";

/** The tables that are cut as the batches were, with `sqlite_sequence`, which counts what is cut; those of hashes, which have a
 *  random key; and those of paths, of which days with many have more than an answer may have. */
export const CUT_TABLES = [
  ...["chunks", "chunk_columns", "sqlite_sequence"],
  ...["few_paths", "many_paths", "path_pages", "path_runs", "site_day_paths"],
  ...["id_runs", "id_pages", "hash_key"],
];

/** The most viewed paths of each day, as JSON, as many as an answer may have. */
export function topPaths(database: Database): string[] {
  const read = topPathsReader(database);
  return database
    .prepare<[], { site: number; day: number }>("SELECT site, day FROM site_days ORDER BY site, day")
    .all()
    .map(({ site, day }) => JSON.stringify([site, day, read(site, day, PATH_SIZES.most)]));
}

const NUMBERS = new Set<string>([
  ...["time", "revenue", "visitor", "session", "bot"],
  ...["number", "start", "end", "events", "pageviews", "moved"],
]);

/** Each as JSON with its site and what is not 0 or empty; sorted. */
export function chunkRows(database: Database): string[] {
  const chunks = database
    .prepare<[], { id: number; kind: string; site: number; rows: number; packed: Buffer | null }>(
      "SELECT id, kind, site, rows, packed FROM chunks ORDER BY id",
    )
    .all();
  const events: string[] = [];
  const sessions = new Map<string, string>();
  for (const { id, kind, site, rows, packed } of chunks) {
    const columns = packed ? unpack(packed) : columnsOf(database, id);
    const made = Array.from({ length: rows }, (): Record<string, unknown> => ({ site }));
    // Those named distinct have no rows, and are made of the others.
    for (const name of [...columns.keys()].filter((name) => !name.startsWith("distinct_")).sort()) {
      const values = valuesOf(name, columns.get(name) ?? Buffer.alloc(0));
      if (values.length !== rows)
        throw new Error(`chunk ${id} has ${rows} rows, its ${name} ${values.length}`);
      for (const [row, value] of values.entries()) {
        const target = made[row];
        if (target && value !== 0 && value !== "") target[name] = value;
      }
    }
    for (const row of made) {
      if (kind === "event") events.push(JSON.stringify(row));
      else sessions.set(`${site} ${row.number}`, JSON.stringify(row));
    }
  }
  const gone = database.prepare<[], string>("SELECT site || ' ' || gone FROM session_aliases").pluck().all();
  for (const session of gone) sessions.delete(session);
  return [...events, ...sessions.values()].sort();
}

function columnsOf(database: Database, chunk: number): Columns {
  const columns = database.prepare<[number], [never, Buffer]>(
    "SELECT name, data FROM chunk_columns WHERE chunk = ?",
  );
  return new Map(columns.raw().all(chunk));
}

function valuesOf(name: string, bytes: Buffer): (number | string)[] {
  if (NUMBERS.has(name)) return [...decodeNumbers(bytes)];
  const { codes, dictionary } = decodeTexts(bytes);
  return Array.from(codes, (code) => dictionary[code] ?? "");
}
