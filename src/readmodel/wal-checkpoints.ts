// Copies the write-ahead log of a database into it (a checkpoint, as SQLite calls it) in another thread, while batches are being
// written: so the thread that writes them has less to copy, and does not wait for the disk as often.

import { Worker } from "node:worker_threads";

export class WalCheckpoints {
  readonly #path: string;
  #worker: Worker | undefined;
  #isUnderWay = false;

  /** `path` is the database's. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Copies what is committed, unless it is at it. What it cannot copy, whoever writes does, or says why that cannot be. */
  start(): void {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    this.#worker ??= this.#begin();
    this.#worker.postMessage(undefined);
  }

  /** Resolves when it has ended. It begins anew with start(). */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#isUnderWay = false;
    await worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL("./wal-worker.ts", import.meta.url), { workerData: this.#path });
    worker.on("message", () => {
      if (this.#worker === worker) this.#isUnderWay = false;
    });
    worker.on("error", () => {
      if (this.#worker === worker) void this.close();
    });
    return worker;
  }
}
