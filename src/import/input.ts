// Reads a log file, or stdin, as plain bytes.

import { constants, createReadStream } from "node:fs";
import { access, stat } from "node:fs/promises";
import { addAbortSignal, pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ImportError, reasonOf, systemCode } from "./import-error.ts";

/** The file name that means stdin. */
const STDIN = "-";

/** Some 300 lines: the cost of a read does not count, and what is read at once keeps the event loop for 2 ms. */
const CHUNK_BYTES = 64 * 1024;

const GZIP_MAGIC = [0x1f, 0x8b] as const;

export interface InputFile {
  /** For people. */
  readonly name: string;
  /** undefined for stdin. */
  readonly path: string | undefined;
  /** In bytes, as it is on disk; undefined for stdin and for what has no size, such as a pipe. */
  readonly size: number | undefined;
}

/** Looks at all files before the first is read. Throws an ImportError that names the one that cannot be read. */
export async function checkFiles(names: readonly string[]): Promise<InputFile[]> {
  if (names.length === 0) throw new ImportError("options", "No file to import");
  if (names.filter((name) => name === STDIN).length > 1) {
    throw new ImportError("options", "stdin (-) can be read only once");
  }
  const files: InputFile[] = [];
  for (const name of names) files.push(await checkFile(name));
  return files;
}

async function checkFile(name: string): Promise<InputFile> {
  if (name === STDIN) return { name: "stdin", path: undefined, size: undefined };
  try {
    const stats = await stat(name);
    if (stats.isDirectory()) throw new ImportError("input", `${name} is a directory`);
    await access(name, constants.R_OK);
    return { name, path: name, size: stats.isFile() ? stats.size : undefined };
  } catch (error) {
    throw inputError(name, error);
  }
}

/**
 * The bytes of `file`, unpacked if it is gzipped (also in several members, one behind the other), which its first
 * bytes tell. `onBytes` hears how many bytes were read, before unpacking. Throws an ImportError that names the file when
 * it breaks off or is damaged, behind all bytes that could be read, and whatever `signal` was aborted with.
 */
export async function* readInput(
  file: InputFile,
  stdin: Readable,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  const source =
    file.path === undefined ? stdin : createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  addAbortSignal(signal, source);
  try {
    yield* unpacked(counted(source, onBytes));
  } catch (error) {
    signal.throwIfAborted();
    throw inputError(file.name, error);
  }
}

async function* counted(
  source: AsyncIterable<unknown>,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    onBytes(bytes.length);
    yield bytes;
  }
}

async function* unpacked(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < GZIP_MAGIC.length) {
    const next = await chunks.next();
    if (next.done) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = prepended(head, chunks);
  if (GZIP_MAGIC.every((byte, index) => head[index] === byte)) {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    // Its errors come out of `gunzip`, too.
    pipeline(whole, gunzip, () => {});
    yield* gunzip;
  } else {
    yield* whole;
  }
}

async function* prepended(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}

const PLAIN_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be read",
  EISDIR: "is a directory",
  Z_BUF_ERROR: "is a gzip file that breaks off",
  Z_DATA_ERROR: "is a damaged gzip file",
};

function inputError(name: string, error: unknown): ImportError {
  if (error instanceof ImportError) return error;
  const words = PLAIN_WORDS[systemCode(error) ?? ""] ?? `cannot be read: ${reasonOf(error)}`;
  return new ImportError("input", `${name} ${words}`, { cause: error });
}
