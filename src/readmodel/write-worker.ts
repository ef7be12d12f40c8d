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
/** What went wrong first with the batch: what follows of it is of no use. */
let problem: WriteReply;

parentPort?.on("message", (task: WriteTask) => {
  try {
    if (problem === undefined && task.kind !== "drop") write(task);
  } catch (error) {
    problem = String(error);
  }
  if (task.kind === "rows") return;
  const reply = problem;
  rollback();
  parentPort?.postMessage(reply);
});
// Then the thread ends, and whoever waits for it hears that it did.
parentPort?.on("messageerror", (error) => {
  throw error;
});

function write(task: RowsTask | CommitTask): void {
  if (!database.inTransaction) database.exec("BEGIN IMMEDIATE");
  if (task.kind === "commit") commit(task);
  else {
    writer.addEvents(task.rows);
    parts += 1;
  }
}

function commit(task: CommitTask): void {
  if (parts !== task.parts) throw new Error(`${parts} of ${task.parts} parts of the batch are here`);
  commits.moveCheckpoint(task.expected, task.after);
  writer.write(task.changes);
  database.exec("COMMIT");
  commits.boundLog();
}

/** Takes back what is not committed. */
function rollback(): void {
  if (database.inTransaction) database.exec("ROLLBACK");
  parts = 0;
  problem = undefined;
}
