// A worker thread's composition root: it copies the write-ahead log into the database when it is told to.

import { parentPort, workerData } from "node:worker_threads";
import { openForWriting } from "./commits.ts";

const database = openForWriting(workerData);

parentPort?.on("message", () => {
  database.pragma("wal_checkpoint(PASSIVE)");
  parentPort?.postMessage(undefined);
});
