// A connection that writes a read model, and its transactions: each changes tables and moves the checkpoint, both or neither.

import { statSync } from "node:fs";
import Database, { type Statement } from "better-sqlite3";
import type { LogPosition } from "../log/event-log.ts";

/** SQLite's page cache, in KiB: what a large batch changes stays in memory until it is committed, and so do the inner pages of the
 *  large trees. With half of it, pages were read two and a half times as often. */
const CACHE_KIB = 16 * 1024;
/** Pages of write-ahead log after which it is copied into the database: 64 MiB. */
const CHECKPOINT_PAGES = 16_384;
/** What the write-ahead log is cut back to once it was copied, in bytes. */
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** What the write-ahead log may grow to while there are readers all the time, in bytes. */
const MAX_LOG_BYTES = 128 * 1024 * 1024;
/** How long to wait for a reader that is in the way, in ms. */
const BUSY_TIMEOUT_MS = 10_000;

/** The checkpoint has been moved by somebody else. */
export class NotAtCheckpoint extends Error {
  constructor(expected: number) {
    super(`the read model is not at offset ${expected}: a second projector is writing it`);
  }
}

/** Opens the database at `path`, or makes it, as it is to be written. Throws what SQLite says of the disk. */
export function openForWriting(path: string): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma("journal_mode = WAL");
    // The log is the truth: after a power cut the last batches may be gone here, and are folded again.
    database.pragma("synchronous = NORMAL");
    database.pragma(`journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.pragma(`cache_size = -${CACHE_KIB}`);
    // What a statement changes, until it is done: in a file it is as much to write as the write-ahead log.
    database.pragma("temp_store = MEMORY");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export class Commits {
  readonly #database: Database.Database;
  readonly #moveCheckpoint: Statement<[LogPosition & { readonly expected: number }]>;

  constructor(database: Database.Database) {
    this.#database = database;
    this.#moveCheckpoint = database.prepare(`
      UPDATE projection SET log_id = :logId, position = :nextOffset, segment = :segment,
        frame_position = :framePosition, frame_crc = :frameCrc
      WHERE id = 1 AND position = :expected`);
  }

  /**
   * Does `change` and moves the checkpoint, from the offset `expected` to `after`, both or neither. Throws what `change`
   * throws, NotAtCheckpoint, and what SQLite says of the disk.
   */
  commit<T>(expected: number, after: LogPosition, change: () => T): T {
    const transaction = this.#database.transaction(() => {
      const moved = this.#moveCheckpoint.run({ ...after, expected });
      if (moved.changes !== 1) throw new NotAtCheckpoint(expected);
      return change();
    });
    const result = transaction.immediate();
    this.#boundLog();
    return result;
  }

  /** Copies what it can of the write-ahead log into the database. What another connection writes meanwhile stays in the log. */
  copyLog(): void {
    unlessOfDisk(() => this.#database.pragma("wal_checkpoint(PASSIVE)"));
  }

  /**
   * While questions follow each other without a pause, SQLite never finds the moment to begin the write-ahead log anew, and
   * it grows. So, behind a transaction, when it has grown, the readers of older states are waited for; new ones do not need the log then.
   */
  #boundLog(): void {
    unlessOfDisk(() => {
      const log = statSync(`${this.#database.name}-wal`, { throwIfNoEntry: false });
      if (log && log.size > MAX_LOG_BYTES) this.#database.pragma("wal_checkpoint(RESTART)");
    });
  }
}

/** Does what is of use, and not needed: all is committed. As where SQLite copies the log by itself behind a commit, it is no error when
 *  the disk has no room, or fails: the next commit tells. */
function unlessOfDisk(action: () => void): void {
  try {
    action();
  } catch (error) {
    const isOfDisk = error instanceof Database.SqliteError || (error instanceof Error && "syscall" in error);
    if (!isOfDisk) throw error;
  }
}
