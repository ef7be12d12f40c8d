// Writes batches in another thread, one after the other, so that the next one can be folded meanwhile.

import { Piscina } from "piscina";
import type { LogPosition } from "../log/event-log.ts";
import type { Changes } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";

/** It ends when it had nothing to do for so long, in ms, and begins anew when there is: while batches are small, there is not. */
const IDLE_MS = 5000;

/** What the thread is given when it starts. */
export interface WriteSettings {
  readonly path: string;
  readonly sizes: ChunkSizes;
}

/** What the thread is given for each batch. */
export interface WriteTask {
  readonly changes: Changes;
  /** The checkpoint before it, and behind it. */
  readonly expected: number;
  readonly after: LogPosition;
}

export class WriteThread {
  readonly #pool: Piscina<WriteTask, void>;

  /** `path` is the database's. */
  constructor(path: string, sizes: ChunkSizes) {
    const workerData: WriteSettings = { path, sizes };
    this.#pool = new Piscina<WriteTask, void>({
      filename: new URL("./write-worker.ts", import.meta.url).href,
      ...{ minThreads: 0, maxThreads: 1, idleTimeout: IDLE_MS },
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 128 },
    });
  }

  /** Resolves when `task` is committed. Rejects, with nothing changed, with whatever went wrong. What it is given is gone. */
  write(task: WriteTask): Promise<void> {
    return this.#pool.run(task, { transferList: buffersOf(task.changes) });
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** They are handed over: to copy them takes longer. */
function buffersOf({ events, sessions, chunks, ids }: Changes): ArrayBuffer[] {
  return [
    ...events.map(({ ids }) => ids.buffer),
    ...sessions.numbers.map(({ buffer }) => buffer),
    ...chunks.map(({ packed }) => packed.buffer),
    ...ids.map(({ receivedAtMs }) => receivedAtMs.buffer),
  ];
}
