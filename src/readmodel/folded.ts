// Up to where everything is folded: what lies before that offset, no generation of the read model needs any more.

import Database from "better-sqlite3";
import { currentGeneration, generationPath, listGenerations } from "./generations.ts";
import { SELECT_CHECKPOINT, toPosition } from "./writer.ts";

/** The lowest checkpoint of the current generation and of those that are being built; 0 when there is none. */
export function foldedTo(dataDirectory: string): number {
  const current = currentGeneration(dataDirectory);
  if (current === undefined) return 0;
  const generations = listGenerations(dataDirectory).filter((generation) => generation >= current);
  return Math.min(...generations.map((generation) => positionOf(generationPath(dataDirectory, generation))));
}

function positionOf(path: string): number {
  const database = new Database(path, { readonly: true, fileMustExist: true });
  try {
    return toPosition(database.prepare(SELECT_CHECKPOINT).get())?.nextOffset ?? 0;
  } finally {
    database.close();
  }
}
