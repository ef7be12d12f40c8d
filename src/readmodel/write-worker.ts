// A worker thread's composition root: it writes one batch at a time. Rows of events and of sessions are put into a file, and
// copied from there in the batch's transaction.

import { parentPort, workerData } from "node:worker_threads";
import { ChangesWriter } from "./changes-writer.ts";
import { Commits, openForWriting } from "./commits.ts";
import { FiledRows } from "./filed-rows.ts";
import { FULL_IDS_AHEAD } from "./id-runs.ts";
import { PATH_SIZES_AHEAD } from "./path-counts.ts";
import type { CommitTask, RowsTask, WriteReply, WriteSettings, WriteTask } from "./write-thread.ts";

const { path, sizes }: WriteSettings = workerData;
const database = openForWriting(path);
const commits = new Commits(database);
const writer = new ChangesWriter(database, sizes, PATH_SIZES_AHEAD, FULL_IDS_AHEAD);
const rows = new FiledRows(database, `${path}-rows`);

/** How often it was given rows of the batch. */
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
  forget();
  parentPort?.postMessage(reply);
});
// Then the thread ends, and whoever waits for it hears that it did.
parentPort?.on("messageerror", (error) => {
  throw error;
});

function write(task: RowsTask | CommitTask): void {
  if (task.kind === "commit") {
    commit(task);
    return;
  }
  rows.addEvents(task.rows);
  parts += 1;
}

function commit({ changes, parts: given, expected, after }: CommitTask): void {
  if (parts !== given) throw new Error(`${parts} of ${given} parts of the batch are here`);
  rows.addSessions(changes.sessions);
  rows.finish();
  commits.commit(expected, after, () => {
    rows.insert();
    writer.write(changes);
  });
}

/** The next batch begins, whatever became of this one. */
function forget(): void {
  rows.clear();
  parts = 0;
  problem = undefined;
}
