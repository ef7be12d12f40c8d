// A worker thread's composition root: it writes one batch at a time, in a transaction that begins with its first rows.

import { parentPort, workerData } from "node:worker_threads";
import { ChangesWriter } from "./changes-writer.ts";
import { Commits, openForWriting } from "./commits.ts";
import type { CommitTask, RowsTask, WriteReply, WriteSettings, WriteTask } from "./write-thread.ts";

const { path, sizes }: WriteSettings = workerData;
const database = openForWriting(path);
const commits = new Commits(database);
const writer = new ChangesWriter(database, sizes);

/** How often it was given rows that are in the transaction under way. */
let parts = 0;

parentPort?.on("message", (task: WriteTask) => {
  const problem = attempt(() => (task.kind === "drop" ? rollback() : write(task)));
  if (problem !== undefined) rollback();
  // Rows that could not be written are missed when the batch is to be committed.
  if (task.kind !== "rows") parentPort?.postMessage(problem satisfies WriteReply);
});

function attempt(what: () => void): WriteReply {
  try {
    what();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function write(task: RowsTask | CommitTask): void {
  if (!database.inTransaction) database.exec("BEGIN IMMEDIATE");
  if (task.kind === "commit") commit(task);
  else {
    writer.addEvents(task.rows);
    parts += 1;
  }
}

function commit(task: CommitTask): void {
  // Without those that could not be written, or were given to a thread that ended.
  if (parts !== task.parts) throw new Error(`${parts} of ${task.parts} parts of the batch are here`);
  commits.moveCheckpoint(task.expected, task.after);
  writer.write(task.changes);
  database.exec("COMMIT");
  parts = 0;
  commits.boundLog();
}

function rollback(): void {
  if (database.inTransaction) database.exec("ROLLBACK");
  parts = 0;
}
