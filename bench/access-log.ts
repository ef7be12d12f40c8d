// A large access log, made by repeating a small one. Imported, no line of it is the same as another: the id of an event
// depends on all lines before it.

import { existsSync, readFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { PROJECT_ROOT } from "./program.ts";

/** In order of preference: a log of 10,000 lines that stands beside the project, and the tests' 200 lines. */
const DEFAULT_LOGS = ["../shared/data/access.log.gz", "test/data/access.log"];

/** A successful GET in the combined format: deliberately not the way that the import reads it. */
const VIEW = /^[^"]*"GET (?:[^"\\]|\\.)+" (?:2\d\d|304) (?:\d+|-) "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"\r?\n$/;

export interface AccessLog {
  readonly bytes: number;
  /** How many lines are views, static files and bots among them. */
  readonly views: number;
}

/** Writes `lines` lines to `path`: those of the log `source`, again and again. */
export async function makeAccessLog(
  path: string,
  source: string | undefined,
  lines: number,
): Promise<AccessLog> {
  const pattern = readLines(source ?? defaultLog());
  const patternViews = countViews(pattern);
  const whole = Buffer.from(pattern.join(""));
  const repeats = Math.floor(lines / pattern.length);
  const rest = pattern.slice(0, lines % pattern.length);
  const file = await open(path, "wx");
  try {
    for (let repeat = 0; repeat < repeats; repeat++) await file.appendFile(whole);
    await file.appendFile(rest.join(""));
    // So that the disk is not busy with it when the measuring begins.
    await file.datasync();
    const { size } = await file.stat();
    return { bytes: size, views: repeats * patternViews + countViews(rest) };
  } finally {
    await file.close();
  }
}

function defaultLog(): string {
  const logs = DEFAULT_LOGS.map((name) => join(PROJECT_ROOT, name));
  const log = logs.find((path) => existsSync(path));
  if (log === undefined) throw new Error("there is no access log: name one with --log");
  return log;
}

/** The lines of a file, plain or gzipped, each with its line ending. */
function readLines(path: string): string[] {
  const bytes = readFileSync(path);
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const lines = (isGzip ? gunzipSync(bytes) : bytes).toString().split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) throw new Error(`${path} is empty`);
  return lines.map((line) => `${line}\n`);
}

function countViews(lines: readonly string[]): number {
  return lines.filter((line) => VIEW.test(line)).length;
}
