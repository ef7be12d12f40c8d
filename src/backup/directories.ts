// Directories that are there after a power cut.

import fs from "node:fs/promises";
import { dirname } from "node:path";

/** Whether there is a directory at `path`. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory();
  } catch {
    return false;
  }
}

/** Makes the directory at the absolute `path` and those above it that are missing, to the disk. */
export async function makeDirectories(path: string): Promise<void> {
  const first = await fs.mkdir(path, { recursive: true });
  if (first === undefined) return;
  // The name of each new directory is in the one above it.
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFile(dirname(made));
}

/** fsync of a file, or of the names in a directory. */
export async function syncFile(path: string): Promise<void> {
  const file = await fs.open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
