// A process: a bare loop that inserts the events of a log into `events`, with the read model's settings of SQLite and as
// many in a transaction. Only the transactions are timed, not the reading of the log. Arguments: the directory of the log, a
// path for the database, and about how many rows are enough.

import { nodeLogFiles } from "../src/log/files.ts";
import { readFromStart } from "../src/log/reader.ts";
import { decodeRecords } from "../src/log/records.ts";
import { openForWriting } from "../src/readmodel/commits.ts";
import { SCHEMA } from "../src/readmodel/schema.ts";
import { runOnce } from "./one-shot.ts";

export interface Inserted {
  readonly rows: number;
  readonly seconds: number;
}

/** As many as the projector folds at once. */
const TRANSACTION_ROWS = 50_000;

type Row = readonly [number, string, string, string | null, string | null, string];

await runOnce(async (logDirectory, path, most): Promise<Inserted> => {
  const database = openForWriting(path);
  database.exec(SCHEMA);
  const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)");
  const insertAll = database.transaction((rows: readonly Row[]) => {
    for (const row of rows) insert.run(...row);
  });
  let rows = 0;
  let milliseconds = 0;
  for await (const batch of rowsOf(logDirectory)) {
    const before = performance.now();
    insertAll(batch);
    milliseconds += performance.now() - before;
    rows += batch.length;
    if (rows >= Number(most)) break;
  }
  const stored = database.prepare<[], { rows: number }>("SELECT count(*) AS rows FROM events").get();
  database.close();
  if (stored?.rows !== rows) throw new Error(`${rows} rows were inserted, and ${stored?.rows} are there`);
  return { rows, seconds: milliseconds / 1000 };
});

async function* rowsOf(logDirectory: string): AsyncGenerator<readonly Row[]> {
  const reader = await readFromStart(await nodeLogFiles(logDirectory));
  let rows: Row[] = [];
  try {
    for (let next = await reader?.next(); next; next = await reader?.next()) {
      let id = next.frame.header.firstOffset + 1;
      for (const { record } of decodeRecords(next.frame)) {
        if (record.case !== "event") throw new Error("the log has a record that is no event");
        const { siteId, eventType, path, userId, timestamp } = record.value;
        rows.push([id, siteId, eventType, path || null, userId || null, timestamp]);
        id += 1;
      }
      if (rows.length < TRANSACTION_ROWS) continue;
      yield rows;
      rows = [];
    }
    yield rows;
  } finally {
    await reader?.close();
  }
}
