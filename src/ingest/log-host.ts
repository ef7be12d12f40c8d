// Keeps the event log open for ingestion: takes the lock, opens the log, tries again with back-off while it cannot be
// opened (reports and health are served meanwhile), and says when it has failed for good.

import { join } from "node:path";
import type { Logger } from "pino";
import { LogError } from "../log/errors.ts";
import type { EventLog } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import { type ProcessLock, waitForLock } from "../log/lock.ts";
import { openLog } from "../log/writer.ts";
import { pause } from "../pause.ts";
import type { Ingestor } from "./ingestor.ts";

/** Between attempts to open a log that cannot be opened, in ms: doubled each time, up to the second. */
const FIRST_REOPEN_MS = 1000;
const MAX_REOPEN_MS = 30_000;

export class LogHost {
  readonly #files: LogFiles;
  readonly #ingestor: Ingestor;
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  readonly #onFailure: (error: LogError) => void;
  #lock: ProcessLock | undefined;
  #log: EventLog | undefined;

  /** `onFailure` is told when the open log has failed: the process must end within a second. */
  constructor(files: LogFiles, ingestor: Ingestor, logger: Logger, onFailure: (error: LogError) => void) {
    this.#files = files;
    this.#ingestor = ingestor;
    this.#logger = logger;
    this.#onFailure = onFailure;
  }

  /** The open log, if it is. */
  get log(): EventLog | undefined {
    return this.#log;
  }

  /**
   * Takes the writer's lock, waiting for a predecessor that drains, and tries to open the log. Throws a LogError
   * "locked" when another process keeps the lock. When the log cannot be opened it goes on trying by itself.
   */
  async start(dataDirectory: string): Promise<void> {
    this.#lock = await waitForLock(join(dataDirectory, "ingest.lock"), "writing this log");
    await this.#tryOpen(FIRST_REOPEN_MS);
  }

  /** Stores what was taken in, then closes. */
  async close(reason: string): Promise<void> {
    this.#closed.abort();
    await this.#ingestor.refuse(reason);
    await this.#log?.close();
    this.#lock?.release();
  }

  async #tryOpen(nextAttemptMs: number): Promise<void> {
    try {
      const { log, torn } = await openLog(this.#files);
      if (torn) this.#logger.warn({ torn }, "a write that was never acknowledged was cut off the log");
      this.#logger.info({ logId: log.id, end: log.end }, "event log opened");
      this.#log = log;
      this.#ingestor.open(log);
      void log.failure.then(this.#onFailure);
    } catch (error) {
      if (!(error instanceof LogError) && !isSystemError(error)) throw error;
      this.#logger.error({ err: error }, "the event log cannot be opened: events are refused");
      await this.#ingestor.refuse(error.message);
      void this.#reopenLater(nextAttemptMs);
    }
  }

  async #reopenLater(afterMs: number): Promise<void> {
    await pause(afterMs, this.#closed.signal);
    if (!this.#closed.signal.aborted) await this.#tryOpen(Math.min(MAX_REOPEN_MS, 2 * afterMs));
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
