// Writes batches in another thread, one after the other, so that the next one can be folded meanwhile.

import { Worker } from "node:worker_threads";
import type { LogPosition } from "../log/event-log.ts";
import { BackgroundSync } from "./background-sync.ts";
import type { Changes } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import type { EventRows } from "./event-rows.ts";

/** It ends when it had nothing to do for so long, in ms, and begins anew when there is: while batches are small, there is not. */
const IDLE_MS = 5000;
/** To look for a buffer twice in a list, as Node does, takes time that grows with its square. */
const LARGE_BYTES = 16 * 1024;

/** What the thread is given when it starts. */
export interface WriteSettings {
  readonly path: string;
  readonly sizes: ChunkSizes;
}

/** What the thread is given of a batch: rows of events, and then all else with the checkpoint; or that it comes to nothing. */
export type WriteTask = RowsTask | CommitTask | DropTask;

export interface RowsTask {
  readonly kind: "rows";
  readonly rows: EventRows;
}

export interface CommitTask {
  readonly kind: "commit";
  readonly changes: Changes;
  /** How often it was given rows: it may be another thread that was. */
  readonly parts: number;
  /** The checkpoint before the batch, and behind it. */
  readonly expected: number;
  readonly after: LogPosition;
}

interface DropTask {
  readonly kind: "drop";
}

/** What the thread says of a batch: nothing when it is committed or dropped, or a problem. */
export type WriteReply = string | undefined;

export class WriteThread {
  readonly #settings: WriteSettings;
  /** Of the write-ahead log. */
  readonly #sync: BackgroundSync;
  #worker: Worker | undefined;
  #parts = 0;
  /** Those who wait for a reply, in order. */
  #waiting: ((reply: WriteReply) => void)[] = [];
  #idle: NodeJS.Timeout | undefined;

  /** `path` is the database's. */
  constructor(path: string, sizes: ChunkSizes) {
    this.#settings = { path, sizes };
    this.#sync = new BackgroundSync(`${path}-wal`);
  }

  /** Takes rows of the next batch. What it is given is gone. */
  add(rows: EventRows): void {
    this.#parts += 1;
    const { ids, texts } = rows;
    this.#post({ kind: "rows", rows }, [ids.buffer, texts.bytes.buffer, texts.bounds.buffer]);
  }

  /** Resolves to nothing when a batch is committed, with its rows. Else to a problem: it may be there all the same, when only the
   *  reply was lost, but then as a whole. What it is given is gone. */
  commit(changes: Changes, expected: number, after: LogPosition): Promise<WriteReply> {
    const task: CommitTask = { kind: "commit", changes, parts: this.#parts, expected, after };
    this.#parts = 0;
    return this.#ask(task, buffersOf(changes));
  }

  /** Takes back the rows of the next batch. Resolves when nothing of it is there. */
  async drop(): Promise<void> {
    this.#parts = 0;
    await this.#ask({ kind: "drop" }, []);
  }

  /** Nothing must be under way. It begins anew when it is given something. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    await this.#sync.settle();
  }

  #ask(task: WriteTask, buffers: ArrayBuffer[]): Promise<WriteReply> {
    return new Promise((resolve) => {
      try {
        this.#post(task, buffers);
        this.#waiting.push(resolve);
      } catch (error) {
        resolve(String(error));
      }
    });
  }

  #post(task: WriteTask, buffers: ArrayBuffer[]): void {
    clearTimeout(this.#idle);
    this.#worker ??= this.#start();
    this.#worker.postMessage(task, buffers);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./write-worker.ts", import.meta.url), { workerData: this.#settings });
    let problem = "the thread that writes has ended";
    worker.on("message", (reply: WriteReply) => {
      this.#waiting.shift()?.(reply);
      this.#sync.start();
      if (this.#waiting.length === 0) this.#idle = setTimeout(() => void this.close(), IDLE_MS).unref();
    });
    worker.on("error", (error) => {
      problem = String(error);
    });
    worker.on("exit", () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      for (const resolve of this.#waiting.splice(0)) resolve(problem);
    });
    return worker;
  }
}

/** Those that are handed over. The others are copied, which takes less than to hand over very many small ones. */
function buffersOf({ sessions, chunks, ids }: Changes): ArrayBuffer[] {
  const buffers = [
    ...[...sessions.ofOneView.numbers, ...sessions.others.numbers].map(({ buffer }) => buffer),
    ...chunks.map(({ packed }) => packed.buffer),
    ids.buffer,
  ];
  return buffers.filter(({ byteLength }) => byteLength >= LARGE_BYTES);
}
