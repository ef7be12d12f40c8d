// Keeps the server away while a command changes the log.

import { join } from "node:path";
import { LogError } from "../log/errors.ts";
import { type ProcessLock, takeLock } from "../log/lock.ts";
import { CliError } from "./cli-error.ts";

/**
 * Does `work` while neither a writer nor a projector of `data` runs: the projector may have read what is changed.
 * Throws a CliError when one does.
 */
export async function withoutServer<T>(data: string, work: () => Promise<T>): Promise<T> {
  const locks: ProcessLock[] = [];
  try {
    locks.push(takeLock(join(data, "ingest.lock"), "writing this log"));
    locks.push(takeLock(join(data, "projector.lock"), "projecting this log"));
    return await work();
  } catch (error) {
    if (!(error instanceof LogError && error.code === "locked")) throw error;
    throw new CliError(`${error.message}: stop the server first`, { cause: error });
  } finally {
    for (const lock of locks) lock.release();
  }
}
