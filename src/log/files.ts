// The log's one way to its files. Nothing else in src/log touches the file system, so this is the single place
// where tests inject faults. Names are relative to the log directory.

import fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

export interface LogFile {
  /** Reads at `position` into `target`; resolves to the bytes read: perhaps fewer than asked, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes at `position`; resolves to the bytes written: perhaps fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** fdatasync: when it resolves, what was written is on disk. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** `read`: an existing file; `write`: an existing file, for reading and writing; `create`: a new or emptied one. */
export type OpenMode = "read" | "write" | "create";

export interface LogFiles {
  /** Where the files are, for messages to operators. */
  readonly directory: string;
  list(): Promise<string[]>;
  open(name: string, mode: OpenMode): Promise<LogFile>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Gives a file a second name (a hard link). */
  link(from: string, to: string): Promise<void>;
  /** Makes a directory in this one; it must not exist. A name such as "directory/file" is then a file in it. */
  makeDirectory(name: string): Promise<void>;
  /**
   * fsync of the directory and its parents, or of the one with this name that `makeDirectory` made: when it resolves,
   * creations, renames and removals in it are on disk.
   */
  syncDirectory(name?: string): Promise<void>;
  /** The bytes that may still be written to the file system. */
  freeBytes(): Promise<number>;
}

const FLAGS = { read: "r", write: "r+", create: "w+" } as const;

const openFd = promisify(fs.open);
const closeFd = promisify(fs.close);
const fdatasync = promisify(fs.fdatasync);
const fsync = promisify(fs.fsync);
const ftruncate = promisify(fs.ftruncate);
const fstat = promisify(fs.fstat);

/** The real file system; makes `directory` when it is missing. */
export async function nodeLogFiles(directory: string): Promise<LogFiles> {
  await fs.promises.mkdir(directory, { recursive: true });
  return {
    directory,
    list: () => fs.promises.readdir(directory),
    open: async (name, mode) => nodeLogFile(await openFd(join(directory, name), FLAGS[mode])),
    rename: (from, to) => fs.promises.rename(join(directory, from), join(directory, to)),
    remove: (name) => fs.promises.unlink(join(directory, name)),
    link: (from, to) => fs.promises.link(join(directory, from), join(directory, to)),
    makeDirectory: (name) => fs.promises.mkdir(join(directory, name)),
    syncDirectory: async (name?: string) => {
      await syncNames(name === undefined ? directory : join(directory, name));
      if (name !== undefined) return;
      // The log and the data directory may be new themselves, and be gone after a power cut with all that is in them.
      const parent = dirname(resolve(directory));
      for (const above of [parent, dirname(parent)]) {
        await syncNames(above).catch((error: NodeJS.ErrnoException) => {
          // One that this user may not read was not made by this user; and some file systems sync no directories.
          if (error.code !== "EACCES" && error.code !== "EINVAL") throw error;
        });
      }
    },
    freeBytes: async () => {
      const stats = await fs.promises.statfs(directory);
      return stats.bavail * stats.bsize;
    },
  };
}

async function syncNames(directory: string): Promise<void> {
  const fd = await openFd(directory, "r");
  try {
    await fsync(fd);
  } finally {
    await closeFd(fd);
  }
}

// The callback functions of node:fs, as FileHandle's cost twice the time for small writes.
function nodeLogFile(fd: number): LogFile {
  return {
    read: (target, position) =>
      new Promise((resolve, reject) => {
        fs.read(fd, target, 0, target.byteLength, position, (error, count) =>
          error ? reject(error) : resolve(count),
        );
      }),
    write: (bytes, position) =>
      new Promise((resolve, reject) => {
        fs.write(fd, bytes, 0, bytes.byteLength, position, (error, count) =>
          error ? reject(error) : resolve(count),
        );
      }),
    datasync: () => fdatasync(fd),
    truncate: (length) => ftruncate(fd, length),
    size: async () => (await fstat(fd)).size,
    close: () => closeFd(fd),
  };
}

/** Writes all of `bytes`, however many calls that takes (a write may be short without an error). */
export async function writeFully(file: LogFile, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.byteLength) {
    const count = await file.write(bytes.subarray(done), position + done);
    if (count === 0) throw new Error("a write to the log made no progress");
    done += count;
  }
}

/** Reads until `target` is full or the file ends; resolves to the bytes read. */
export async function readFully(file: LogFile, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const count = await file.read(target.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
