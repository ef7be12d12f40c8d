// A backup of a data directory, of a running server or a stopped one:
//
//   analytics-<n>.db, analytics.db   the read model, as it was at one moment
//   log/                             all sealed segments, the durable part of the last one, and the durable mark
//   import.key, import.key.state     the key of imported user ids
//
// The read model is copied first, so what it holds is a fold of a prefix of the log that is copied then. The backup is
// made under another name and renamed when all of it is on disk: it is there whole or not at all.

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import fs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import Database from "better-sqlite3";
import { DURABLE_MARK_NAME, readDurableMark } from "../log/durable-mark.ts";
import { nodeLogFiles } from "../log/files.ts";
import { type DurableMark, encodeDurableMark, segmentName } from "../log/format.ts";
import { listSegments } from "../log/segments.ts";
import { currentGeneration, generationPath, publishGeneration } from "../readmodel/generations.ts";

/** What was backed up, or is expected to be restored. */
export interface BackupSummary {
  readonly segments: number;
  /** The offset behind the last record. */
  readonly endOffset: number;
  readonly bytes: number;
}

/** Files of the data directory that nobody can make again. */
const SECRETS = ["import.key", "import.key.state"];

/** Why a backup or restore was not made, for whoever asked for it. */
export class BackupError extends Error {}

/**
 * Copies `dataDirectory` to `target`, which must not exist or be empty. The caller keeps segments from being pruned
 * meanwhile. `onProgress` is told how many bytes of the log were copied, of how many.
 */
export async function makeBackup(
  dataDirectory: string,
  target: string,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<BackupSummary> {
  return whole(target, async (partial) => {
    const generation = currentGeneration(dataDirectory);
    if (generation !== undefined) {
      copyDatabase(generationPath(dataDirectory, generation), generationPath(partial, generation));
      publishGeneration(partial, generation);
    }
    const summary = await copyLog(join(dataDirectory, "log"), join(partial, "log"), onProgress, signal);
    for (const name of SECRETS) {
      if (existsSync(join(dataDirectory, name)))
        await copyFile(join(dataDirectory, name), join(partial, name), signal);
    }
    return summary;
  });
}

/** A copy of one moment, also while the projector writes: VACUUM reads in one transaction. */
function copyDatabase(from: string, to: string): void {
  const database = new Database(from, { readonly: true, fileMustExist: true });
  try {
    database.prepare("VACUUM INTO ?").run(to);
  } finally {
    database.close();
  }
}

/** Copies the durable part of a log. */
async function copyLog(
  from: string,
  to: string,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<BackupSummary> {
  const files = await nodeLogFiles(from);
  const mark = await readDurableMark(files);
  if (!mark) throw new BackupError(`the log in ${from} has no durable mark: start the server on it once`);
  const segments = (await listSegments(files)).filter((first) => first <= mark.segment);
  const lengths = await Promise.all(segments.map((first) => lengthOf(from, first, mark)));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  await fs.mkdir(to);
  let done = 0;
  for (const [index, first] of segments.entries()) {
    const name = segmentName(first);
    await copyFile(join(from, name), join(to, name), signal, lengths[index]);
    done += lengths[index] ?? 0;
    onProgress(done, total);
  }
  await writeSynced(join(to, DURABLE_MARK_NAME), encodeDurableMark(mark));
  await syncDirectory(to);
  return { segments: segments.length, endOffset: mark.nextOffset, bytes: total };
}

async function lengthOf(directory: string, first: number, mark: DurableMark): Promise<number> {
  return first === mark.segment ? mark.position : (await fs.stat(join(directory, segmentName(first)))).size;
}

/** Copies a file, or its first `length` bytes, with its mode, to the disk. */
async function copyFile(from: string, to: string, signal: AbortSignal, length?: number): Promise<void> {
  const { mode, size } = await fs.stat(from);
  const bytes = length ?? size;
  const source = createReadStream(from, { start: 0, end: Math.max(0, bytes - 1) });
  await pipeline(source, createWriteStream(to, { mode, flags: "wx", flush: true }), { signal });
  const copied = (await fs.stat(to)).size;
  if (copied !== bytes) throw new BackupError(`of ${from} ${copied} bytes were copied instead of ${bytes}`);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await fs.writeFile(path, bytes, { flush: true });
}

/** Makes `target` by `fill` under another name, and renames it when it is whole and on disk. */
export async function whole<T>(target: string, fill: (partial: string) => Promise<T>): Promise<T> {
  const path = resolve(target);
  if (existsSync(path) && (await fs.readdir(path)).length > 0) {
    throw new BackupError(`${target} is not empty: name a directory that does not exist yet`);
  }
  await fs.mkdir(dirname(path), { recursive: true });
  const partial = join(dirname(path), `.${basename(path)}.partial-${process.pid}`);
  await fs.mkdir(partial, { mode: 0o700 });
  try {
    const result = await fill(partial);
    await syncDirectory(partial);
    // Over an empty directory, rename succeeds.
    await fs.rename(partial, path);
    await syncDirectory(dirname(path));
    return result;
  } catch (error) {
    await fs.rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
