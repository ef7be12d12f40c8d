// A connection that writes a read model, and its transactions: each changes tables and moves the checkpoint, both or neither.

import { statSync } from "node:fs";
import Database, { type Statement } from "better-sqlite3";
import type { LogPosition } from "../log/event-log.ts";

/** SQLite's page cache, in KiB: the inner pages of the large trees stay in memory. */
const CACHE_KIB = 8 * 1024;
const PAGE_BYTES = 4096;
/** What the write-ahead log grows to before it is copied into the database, and is cut back to, in bytes. */
export const LOG_BYTES = 64 * 1024 * 1024;
/** The same in a rebuild or an import: the more of it is copied at once, the more often a page was changed that is written once. */
export const LONG_LOG_BYTES = 256 * 1024 * 1024;
/** How long to wait for a reader that is in the way, in ms. */
const BUSY_TIMEOUT_MS = 10_000;

/** The checkpoint has been moved by somebody else. */
export class NotAtCheckpoint extends Error {
  constructor(expected: number) {
    super(`the read model is not at offset ${expected}: a second projector is writing it`);
  }
}

/** Opens the database at `path`, or makes it, as it is to be written, with so long a write-ahead log. Throws what SQLite says of
 *  the disk. */
export function openForWriting(path: string, logBytes: number): Database.Database {
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.pragma("journal_mode = WAL");
    // The log is the truth: after a power cut the last batches may be gone here, and are folded again.
    database.pragma("synchronous = NORMAL");
    database.pragma(`journal_size_limit = ${logBytes}`);
    database.pragma(`wal_autocheckpoint = ${logBytes / PAGE_BYTES}`);
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
  readonly #logBytes: number;
  readonly #moveCheckpoint: Statement<[LogPosition & { readonly expected: number }]>;

  /** `logBytes` is what the database was opened with. */
  constructor(database: Database.Database, logBytes: number) {
    this.#database = database;
    this.#logBytes = logBytes;
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
      this.moveCheckpoint(expected, after);
      return change();
    });
    const result = transaction.immediate();
    this.boundLog();
    return result;
  }

  /** Moves the checkpoint, in the transaction under way. Throws NotAtCheckpoint. */
  moveCheckpoint(expected: number, after: LogPosition): void {
    const moved = this.#moveCheckpoint.run({ ...after, expected });
    if (moved.changes !== 1) throw new NotAtCheckpoint(expected);
  }

  /**
   * While questions follow each other without a pause, SQLite never finds the moment to begin the write-ahead log anew, and
   * it grows. So, behind a transaction, when it is twice as long, the readers of older states are waited for; new ones do not need
   * the log then.
   */
  boundLog(): void {
    const log = statSync(`${this.#database.name}-wal`, { throwIfNoEntry: false });
    if (log && log.size > 2 * this.#logBytes) this.#database.pragma("wal_checkpoint(RESTART)");
  }
}
