// A lock between processes that the kernel releases when its holder dies: an exclusive transaction on an SQLite
// database that holds nothing. A pid file would outlive its process. Nothing else may open the lock file in the
// same process, as closing any descriptor of it would drop a POSIX lock; only SQLite touches it here.

import { basename } from "node:path";
import Database from "better-sqlite3";
import { pause } from "../pause.ts";
import { LogError } from "./errors.ts";

/** A predecessor that drains still has the lock for a while, in ms. */
const LOCK_WAIT_MS = 10_000;
const LOCK_RETRY_MS = 50;

export interface ProcessLock {
  release(): void;
}

/**
 * Takes the lock at `path`; throws a LogError "locked" at once when another process has it, and SQLite's error, with
 * the file's name, when the lock file may not be written or is none.
 */
export function takeLock(path: string, purpose: string): ProcessLock {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma("journal_mode = MEMORY");
    database.exec("BEGIN EXCLUSIVE");
    // Never committed. SQLite opens a file that may not be written for reading, and "locks" it without an error; only
    // a write fails.
    database.pragma("user_version = 1");
    const held = database;
    return { release: () => held.close() };
  } catch (error) {
    database?.close();
    if (!(error instanceof Database.SqliteError)) throw error;
    if (error.code.startsWith("SQLITE_BUSY")) {
      throw new LogError("locked", `another process is ${purpose} (it holds the lock ${path})`, {
        cause: error,
      });
    }
    throw new Database.SqliteError(`${basename(path)}: ${error.message}`, error.code);
  }
}

/** Takes the lock, waiting for a predecessor that drains; throws a LogError "locked" when it is kept. */
export async function waitForLock(path: string, purpose: string): Promise<ProcessLock> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return takeLock(path, purpose);
    } catch (error) {
      if (!(error instanceof LogError) || Date.now() > deadline) throw error;
      await pause(LOCK_RETRY_MS);
    }
  }
}
