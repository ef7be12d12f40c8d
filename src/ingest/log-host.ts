// Keeps the event log open for ingestion: takes the lock, opens the log, tries again with back-off while it cannot be
// opened (reports and health are served meanwhile), and says when it has failed for good. It closes the log before the
// disk is full: a write that fails would be the last one of the process, and a database needs room even to be read.

import { join } from "node:path";
import type { Logger } from "pino";
import { LogError, reasonOf } from "../log/errors.ts";
import type { EventLog } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import { type ProcessLock, waitForLock } from "../log/lock.ts";
import { openLog } from "../log/writer.ts";
import { pause } from "../pause.ts";
import type { Ingestor } from "./ingestor.ts";

const MIB = 1024 * 1024;
/** Between attempts to open a log that cannot be opened, in ms: doubled each time, up to the second. */
const FIRST_REOPEN_MS = 1000;
const MAX_REOPEN_MS = 30_000;
/** Half of what opening the log asks for, and the largest frame: below, events are refused until there is that again. */
const LOW_ROOM_MIB = 8;
/** In ms: what fills the room that is left before the next look is faster than most disks. */
const ROOM_CHECK_MS = 200;

export class LogHost {
  readonly #files: LogFiles;
  readonly #ingestor: Ingestor;
  readonly #logger: Logger;
  readonly #closed = new AbortController();
  readonly #onFailure: (error: LogError) => void;
  #lock: ProcessLock | undefined;
  #log: EventLog | undefined;
  #lockPath = "";
  /** Settles when the attempt to open the log that was made last has ended. */
  #attempt: Promise<void> = Promise.resolve();

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
    this.#lockPath = join(dataDirectory, "ingest.lock");
    this.#attempt = this.#tryOpen(FIRST_REOPEN_MS);
    await this.#attempt;
  }

  /** Stores what was taken in, then closes. */
  async close(reason: string): Promise<void> {
    this.#closed.abort();
    await this.#ingestor.refuse(reason);
    // A log that is just being opened is closed as well, while the lock is held. Whoever started it knows its errors.
    await this.#attempt.catch(() => {});
    try {
      await this.#log?.close();
    } finally {
      this.#lock?.release();
    }
  }

  async #tryOpen(nextAttemptMs: number): Promise<void> {
    try {
      this.#lock ??= await waitForLock(this.#lockPath, "writing this log");
      const { log, torn } = await openLog(this.#files);
      if (torn) this.#logger.warn({ torn }, "a write that was never acknowledged was cut off the log");
      this.#logger.info({ logId: log.id, end: log.end }, "event log opened");
      this.#log = log;
      if (this.#closed.signal.aborted) return;
      this.#ingestor.open(log);
      void log.failure.then(this.#onFailure);
      void this.#watchRoom(log);
    } catch (error) {
      if (error instanceof LogError && error.code === "locked") throw error;
      this.#logger.error(
        { err: error, directory: this.#files.directory },
        "the event log cannot be opened: events are refused",
      );
      if (this.#closed.signal.aborted) return;
      await this.#ingestor.refuse(`the event log cannot be opened: ${reasonOf(error)}`);
      void this.#reopenLater(nextAttemptMs);
    }
  }

  /** Gives the log up when the disk is nearly full. */
  async #watchRoom(log: EventLog): Promise<void> {
    for (;;) {
      await pause(ROOM_CHECK_MS, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      // Where it cannot be told, writing tells.
      const free = await this.#files.freeBytes().catch(() => Number.POSITIVE_INFINITY);
      if (free >= LOW_ROOM_MIB * MIB || this.#closed.signal.aborted) continue;
      this.#logger.error(
        { directory: this.#files.directory, freeMiB: Math.floor(free / MIB) },
        "there is next to no room for the event log: events are refused",
      );
      this.#attempt = this.#giveUp(log);
      return;
    }
  }

  async #giveUp(log: EventLog): Promise<void> {
    await this.#ingestor.refuse(`no room for the log: less than ${LOW_ROOM_MIB} MiB are free`);
    // Whoever closes this meanwhile waits for it, and closes the log itself.
    if (this.#closed.signal.aborted) return;
    this.#log = undefined;
    await log.close().catch((error) => this.#logger.error({ err: error }, "the event log was not closed"));
    void this.#reopenLater(FIRST_REOPEN_MS);
  }

  async #reopenLater(afterMs: number): Promise<void> {
    await pause(afterMs, this.#closed.signal);
    if (this.#closed.signal.aborted) return;
    this.#attempt = this.#tryOpen(Math.min(MAX_REOPEN_MS, 2 * afterMs));
    // Another process has the lock by now: this one is to end, as it would at its start.
    await this.#attempt.catch(this.#onFailure);
  }
}
