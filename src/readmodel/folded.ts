// Up to where everything is folded: what lies before that offset, no generation of the read model needs any more.

import fs from "node:fs/promises";
import Database from "better-sqlite3";
import { SELECT_CHECKPOINT, toPosition } from "./checkpoint.ts";
import { currentGeneration, generationPath, listGenerations } from "./generations.ts";

/**
 * The lowest checkpoint of the current generation and of those that are being built; 0 when there is none. When it
 * resolves, those folds are on disk: the projector's commits alone do not sync the write-ahead log.
 */
export async function foldedTo(dataDirectory: string): Promise<number> {
  const current = currentGeneration(dataDirectory);
  if (current === undefined) return 0;
  const paths = listGenerations(dataDirectory)
    .filter((generation) => generation >= current)
    .map((generation) => generationPath(dataDirectory, generation));
  const folded = Math.min(...paths.map(offsetOf));
  for (const path of paths) await syncIfThere(`${path}-wal`);
  // The names of the files, and which generation is current.
  await syncIfThere(dataDirectory);
  return folded;
}

/** Up to which offset the database at `path` is folded. */
export function offsetOf(path: string): number {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return toPosition(database.prepare(SELECT_CHECKPOINT).get())?.nextOffset ?? 0;
  } finally {
    database.close();
  }
}

/**
 * A write-ahead log that is gone was copied into the database, and synced, by SQLite. Not for the database itself or its
 * `-shm`: closing them would drop the locks that SQLite holds on them in this process.
 */
async function syncIfThere(path: string): Promise<void> {
  const file = await fs.open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  try {
    await file?.sync();
  } finally {
    await file?.close();
  }
}
