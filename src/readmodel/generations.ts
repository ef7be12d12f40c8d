// The files of the read model: `analytics-<generation>.db`, and the link `analytics.db` to the one that is in use.
//
// A database is never renamed over another (a reader would apply the old write-ahead log to the new file): a new
// generation gets a name of its own, and the link is switched by rename, so that readers find one or the other.

import { readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const LINK = "analytics.db";
const NAME = /^analytics-(\d+)\.db$/;

export function generationPath(dataDirectory: string, generation: number): string {
  return join(dataDirectory, `analytics-${generation}.db`);
}

/** What is in the place of the link is none. The message names no directory, as whoever asks for statistics reads it. */
export class NotALink extends Error {}

/** The generation that readers use, or undefined before the first one. Throws NotALink. */
export function currentGeneration(dataDirectory: string): number | undefined {
  try {
    return generationOf(readlinkSync(join(dataDirectory, LINK)));
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "ENOENT") return undefined;
    throw new NotALink(
      `${LINK} in the data directory must be a link to analytics-<generation>.db: move it away`,
      { cause: error },
    );
  }
}

/** All generations that have a file, ascending. */
export function listGenerations(dataDirectory: string): number[] {
  return readdirSync(dataDirectory)
    .map(generationOf)
    .filter((generation) => generation !== undefined)
    .sort((a, b) => a - b);
}

/** Makes readers use `generation`. */
export function publishGeneration(dataDirectory: string, generation: number): void {
  const temporary = join(dataDirectory, `${LINK}.tmp`);
  rmSync(temporary, { force: true });
  symlinkSync(`analytics-${generation}.db`, temporary);
  renameSync(temporary, join(dataDirectory, LINK));
}

/** Removes the files of a generation. */
export function removeGeneration(dataDirectory: string, generation: number): void {
  const path = generationPath(dataDirectory, generation);
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-rows`]) rmSync(file, { force: true });
}

function generationOf(name: string): number | undefined {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : undefined;
}
