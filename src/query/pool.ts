// Answers questions in worker threads, of low priority: SQLite and the engine keep their thread busy until they are done, and
// taking events in must not wait for that.

import { availableParallelism } from "node:os";
import { toBinary } from "@bufbuild/protobuf";
import type { Logger } from "pino";
import { Piscina } from "piscina";
import { type QueryStatsRequest, QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import type { Queries, Reply } from "./queries.ts";
import { WARM_UP_QUESTIONS, type WarmUpQuestion } from "./warm-up-questions.ts";

/** What a question may take, in ms. */
const TIME_LIMIT_MS = 10_000;
/** More than that many questions do not wait: the last of them would hardly be answered in time. */
const MAX_WAITING = 64;
/** Columns that the threads keep in memory, together, in bytes. */
const CACHE_BYTES = 128 * 1024 * 1024;
/** A thread that nobody needs ends after this time, in ms, with what it kept. */
const IDLE_MS = 60_000;
/** What a question needs at most beside its columns, which are not on the heap. A thread that needs more ends, and its question
 *  fails. */
const MAX_HEAP_MB = 512;
/** Added to the threads' niceness: whatever else the process does goes first. */
const NICENESS = 10;

/** What a worker is given for each question. */
export interface Task {
  /** A QueryStatsRequest in binary. */
  readonly request: Uint8Array;
  readonly nowMs: number;
  readonly deadlineMs: number;
}

/** What a worker is given when it starts. */
export interface WorkerSettings {
  readonly dataDirectory: string;
  readonly cacheBytes: number;
}

export class QueryPool implements Queries {
  readonly #pool: Piscina<Task | WarmUpQuestion | undefined, Reply>;
  #isClosed = false;

  constructor(dataDirectory: string, logger: Logger) {
    // One core is left to taking events in.
    const threads = Math.max(1, availableParallelism() - 1);
    const workerData: WorkerSettings = { dataDirectory, cacheBytes: CACHE_BYTES / threads };
    this.#pool = new Piscina<Task | WarmUpQuestion | undefined, Reply>({
      filename: new URL("./worker.ts", import.meta.url).href,
      // One is ready: to load what a question needs takes half a second.
      minThreads: 1,
      maxThreads: threads,
      maxQueue: MAX_WAITING,
      idleTimeout: IDLE_MS,
      niceIncrement: NICENESS,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
      workerData,
    });
    // Of a thread that ends without a question; it is replaced.
    this.#pool.on("error", (error) => logger.error({ err: error }, "a thread for questions failed"));
    this.#warmUp().catch((error) => {
      if (!this.#isClosed) logger.warn({ err: error }, "warming up for questions failed");
    });
  }

  /** One by one, so that a question that comes meanwhile waits for one of these at most. */
  async #warmUp(): Promise<void> {
    for (const question of WARM_UP_QUESTIONS) await this.#pool.run(question, { name: "warmUp" });
  }

  async ask(request: QueryStatsRequest, deadlineMs: number): Promise<Reply> {
    if (this.#pool.queueSize >= MAX_WAITING) {
      return { kind: "too_much", reason: `${MAX_WAITING} questions are waiting already: try again later` };
    }
    const nowMs = Date.now();
    const task: Task = {
      request: toBinary(QueryStatsRequestSchema, request),
      nowMs,
      deadlineMs: Math.min(deadlineMs, nowMs + TIME_LIMIT_MS),
    };
    try {
      return await this.#pool.run(task);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      return { kind: "too_much", reason: "the question takes more memory than one may: ask for less" };
    }
  }

  /** Has a thread close a read model that is not current any more. Where nothing is asked, there is one; the others end. */
  async letGo(): Promise<void> {
    if (this.#pool.queueSize === 0) await this.#pool.run(undefined, { name: "letGo" });
  }

  /** Ends the threads. Questions under way fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.destroy();
  }
}

/** How a thread ends that has used up its heap; another one takes its place. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
