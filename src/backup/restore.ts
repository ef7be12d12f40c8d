// A data directory out of a backup, proven before it gets its name: every frame of the log is verified, the database is
// checked, and its checkpoint must be a place in the log.

import fs from "node:fs/promises";
import { join } from "node:path";
import Database from "better-sqlite3";
import { LogError } from "../log/errors.ts";
import { nodeLogFiles } from "../log/files.ts";
import { readFromPosition } from "../log/reader.ts";
import { verifyLog } from "../log/verify.ts";
import { currentGeneration, generationPath } from "../readmodel/generations.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { BackupError, type BackupSummary, type Conduct, whole } from "./backup.ts";
import { isDirectory, syncFile } from "./directories.ts";

/**
 * Copies the backup `source` to `dataDirectory`, which must not exist or be empty. Throws a BackupError, or the reason
 * of the signal.
 */
export async function restoreBackup(
  source: string,
  dataDirectory: string,
  conduct: Conduct,
): Promise<BackupSummary> {
  const { onProgress, signal } = conduct;
  if (!(await isDirectory(join(source, "log"))))
    throw new BackupError(`${source} is no backup: it has no log`);
  const isWanted = () => {
    signal.throwIfAborted();
    return true;
  };
  const onVerified = (done: number, total: number) => {
    signal.throwIfAborted();
    onProgress(done, total);
  };
  const fill = async (partial: string): Promise<BackupSummary> => {
    const as = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true };
    await fs.cp(source, partial, { ...as, filter: isWanted });
    const summary = await verifyRestored(partial, onVerified);
    await syncAll(partial);
    return summary;
  };
  return whole(dataDirectory, fill, conduct);
}

async function verifyRestored(
  directory: string,
  onProgress: (done: number, total: number) => void,
): Promise<BackupSummary> {
  const logDirectory = join(directory, "log");
  const files = await nodeLogFiles(logDirectory);
  const total = await sizeOf(logDirectory);
  let done = 0;
  const report = await verifyLog(files, {
    lock: () => undefined,
    onRead: (bytes) => {
      done += bytes;
      onProgress(done, total);
    },
  });
  if (report.segments === 0 || !report.mark)
    throw new BackupError("this is no whole backup: its log has no segment or no durable mark");
  // What a server reads can be restored.
  const problem = report.problems.find(({ remedy }) => remedy.kind !== "none");
  if (problem)
    throw new BackupError(
      `the backup's log is damaged: ${problem.file}, byte ${problem.position}: ${problem.problem}; nothing was restored`,
    );
  await verifyDatabase(directory);
  return { segments: report.segments, endOffset: report.endOffset, bytes: report.bytes };
}

/** A damaged database could be left out and made again, but a backup that is damaged is not to be trusted in silence. */
async function verifyDatabase(directory: string): Promise<void> {
  const generation = currentGeneration(directory);
  if (generation === undefined) return;
  const database = new Database(generationPath(directory, generation), { readonly: true });
  try {
    const found = database.pragma("quick_check", { simple: true });
    if (found !== "ok") throw new BackupError(`the backup's database is damaged: ${String(found)}`);
  } finally {
    database.close();
  }
  const reader = new ReadModelReader(directory);
  const checkpoint = reader.checkpoint();
  reader.close();
  if (!checkpoint) return;
  try {
    await (await readFromPosition(await nodeLogFiles(join(directory, "log")), checkpoint)).close();
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    throw new BackupError(`the backup's database does not belong to its log: ${error.message}`, {
      cause: error,
    });
  }
}

async function sizeOf(directory: string): Promise<number> {
  const names = await fs.readdir(directory);
  const stats = await Promise.all(names.map((name) => fs.stat(join(directory, name))));
  return stats.reduce((sum, { size }) => sum + size, 0);
}

/** Files and directories below `directory`, and itself, to the disk. */
async function syncAll(directory: string): Promise<void> {
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await syncAll(path);
    else if (entry.isFile()) await syncFile(path);
  }
  await syncFile(directory);
}
