// A backup of a data directory, of a running server or a stopped one:
//
//   analytics-<n>.db, analytics.db   the read model, as it was at one moment; left out when it is damaged
//   log/                             all sealed segments, the durable part of the last one, and the durable mark
//   import.key, import.key.state     the key of imported user ids
//
// The keys of the visitors (visitor.keys) stay out of it: they are deleted after 48 hours, and a copy would not be.
//
// What speaks of the log is copied before it: so the read model is a fold of a prefix of the log that is copied then, and
// what the import state calls finished is in that log. What the log speaks of, the key of its user ids, is copied after it.
//
// The backup is made under another name and renamed when all of it is on disk: it is there whole or not at all.

import { createReadStream, createWriteStream, existsSync } from "node:fs";
import fs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import Database from "better-sqlite3";
import { importStatePath } from "../import/import-state.ts";
import { KEY_FILE_NAME } from "../import/key-file.ts";
import { DURABLE_MARK_NAME } from "../log/durable-mark.ts";
import { nodeLogFiles } from "../log/files.ts";
import { type DurableMark, encodeDurableMark, segmentName } from "../log/format.ts";
import { listSegments } from "../log/segments.ts";
import { steadyMark } from "../log/verify.ts";
import { offsetOf } from "../readmodel/folded.ts";
import {
  currentGeneration,
  generationPath,
  publishGeneration,
  removeGeneration,
} from "../readmodel/generations.ts";
import { isDirectory, makeDirectories, syncFile } from "./directories.ts";

/** What was backed up, or is expected to be restored. */
export interface BackupSummary {
  readonly segments: number;
  /** The offset behind the last record. */
  readonly endOffset: number;
  readonly bytes: number;
}

/** How a backup or restore is watched and ended. */
export interface Conduct {
  /** Is told how many bytes of the log are done, of how many. */
  readonly onProgress: (done: number, total: number) => void;
  /** Is told what somebody should look after, though the backup or restore goes on. */
  readonly warn: (text: string) => void;
  readonly signal: AbortSignal;
}

/** The directories in which backups and restores are made until they get their name. */
const PARTIAL = /^\..+\.partial-\d+$/;

/** Why a backup or restore was not made, for whoever asked for it. */
export class BackupError extends Error {}

/**
 * Copies `dataDirectory` to `target`, which must not exist or be empty. The caller keeps segments from being pruned
 * until this settles. Throws a BackupError, or the reason of the signal.
 */
export async function makeBackup(
  dataDirectory: string,
  target: string,
  conduct: Conduct,
): Promise<BackupSummary & { readonly hasStatistics: boolean }> {
  const { signal } = conduct;
  const fill = async (partial: string) => {
    const folded = copyReadModel(dataDirectory, partial, conduct.warn);
    const copyIfThere = async (name: string): Promise<void> => {
      const from = join(dataDirectory, name);
      if (existsSync(from)) await copyFile(from, join(partial, name), signal);
    };
    await copyIfThere(importStatePath(KEY_FILE_NAME));
    const summary = await copyLog(join(dataDirectory, "log"), join(partial, "log"), conduct);
    checkFolded(folded ?? 0, summary.endOffset);
    await copyIfThere(KEY_FILE_NAME);
    return { ...summary, hasStatistics: folded !== undefined };
  };
  return whole(target, fill, conduct);
}

/**
 * Copies the read model; the offset up to which that is folded. undefined when there is none, or when it is damaged: the log has
 * all that it is made of, and must not stay without a backup.
 */
function copyReadModel(from: string, to: string, warn: (text: string) => void): number | undefined {
  const generation = currentGeneration(from);
  if (generation === undefined) return undefined;
  const path = generationPath(from, generation);
  try {
    copyDatabase(path, generationPath(to, generation));
    const folded = offsetOf(generationPath(to, generation));
    publishGeneration(to, generation);
    return folded;
  } catch (error) {
    if (!isDamage(error)) throw error;
    removeGeneration(to, generation);
    warn(
      `${path} is damaged (${error.message}), so that the backup has the log without the statistics: a server that is started ` +
        "on what is restored from it makes them anew, from what the log still has",
    );
    return undefined;
  }
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

/**
 * Whether this says that a database is damaged, and not that it cannot be read or copied just now: a full disk, say. Rows that
 * contradict an index break its constraint when they are copied, and of an emptied file no table is there.
 */
function isDamage(error: unknown): error is Error {
  return (
    error instanceof Database.SqliteError &&
    /^SQLITE_(?:CORRUPT|NOTADB|CONSTRAINT|ERROR)(?:_|$)/.test(error.code)
  );
}

/** The read model that was copied must be a fold of what was copied of the log. */
function checkFolded(folded: number, endOffset: number): void {
  if (folded <= endOffset) return;
  throw new BackupError(
    `the statistics go to offset ${folded}, and the log's durable mark only to ${endOffset}, so that events would be ` +
      "missing: stop the server and back up again, or see `footfall log verify`",
  );
}

/** Copies the durable part of a log. */
async function copyLog(from: string, to: string, { onProgress, signal }: Conduct): Promise<BackupSummary> {
  const files = await nodeLogFiles(from);
  // A server may be just overwriting it.
  const mark = await steadyMark(files, () => undefined);
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
  await syncFile(to);
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

/**
 * Makes `target` by `fill` under another name, and renames it when it is whole and on disk. When `fill` fails or
 * `signal` aborts, nothing is left of it. Warns of what killed attempts have left beside it. Throws a BackupError when there
 * can be no such directory.
 */
export async function whole<T>(
  target: string,
  fill: (partial: string) => Promise<T>,
  { signal, warn }: Conduct,
): Promise<T> {
  const path = resolve(target);
  const parent = dirname(path);
  const other = "name a directory that does not exist yet";
  if (existsSync(path)) {
    if (!(await isDirectory(path))) throw new BackupError(`${target} is not a directory: ${other}`);
    if ((await fs.readdir(path)).length > 0) throw new BackupError(`${target} is not empty: ${other}`);
  }
  await makeDirectories(parent).catch(
    instead(["EEXIST", "ENOTDIR"], `${target} cannot be made, a file is in the way: ${other}`),
  );
  // Of a directory that may be written, and not read, nothing can be told.
  const beside = await fs.readdir(parent).catch(() => []);
  for (const name of beside.filter((entry) => PARTIAL.test(entry))) warn(leftover(join(parent, name)));
  const partial = join(parent, `.${basename(path)}.partial-${process.pid}`);
  await fs
    .mkdir(partial, { mode: 0o700 })
    .catch(instead(["EEXIST"], `${partial} is left of an attempt that was killed: remove it`));
  try {
    const result = await fill(partial);
    await syncFile(partial);
    signal.throwIfAborted();
    // Over an empty directory, rename succeeds.
    await fs
      .rename(partial, path)
      .catch(instead(["ENOTEMPTY", "EEXIST", "ENOTDIR"], `${target} was made meanwhile: ${other}`));
    await syncFile(parent);
    return result;
  } catch (error) {
    await fs.rm(partial, { recursive: true, force: true });
    throw error;
  }
}

/**
 * It is not removed: whether that process still runs cannot be told by its number when it is one of another container, or of
 * another machine with the same disk.
 */
function leftover(path: string): string {
  return `${path} is left of a backup or restore that was killed, unless one is under way there: if none is, remove it`;
}

/** For `catch`: throws a BackupError with `message` instead of an error with one of these codes. */
function instead(codes: readonly string[], message: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw codes.includes(error.code ?? "") ? new BackupError(message, { cause: error }) : error;
  };
}
