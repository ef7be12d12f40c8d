// What a data directory holds: the log as a list, the tables, and the tables that a fresh fold of the log gives.

import { closeSync, existsSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import Database from "better-sqlite3";
import { nodeLogFiles } from "../../src/log/files.ts";
import type { Frame } from "../../src/log/frame-reader.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords } from "../../src/log/records.ts";
import { EventDecoder } from "../../src/projector/event-decoder.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import type { LogEntry } from "./checks.ts";

/** The server's dedupe window: as a flag, and in ms. */
export const DEDUPE_WINDOW = "7d";
const DEDUPE_WINDOW_MS = 7 * 86_400_000;
/** Other batches than the projector makes, which must give the same tables. */
const FOLD_EVENTS = 1013;
/** At the size of a file, without a break: 0.1 ms, between which the load goes on. */
const LOOKS = 50;

/** All durable records of the log, in order. Rejects with a LogError when it is damaged. */
export async function readLog(data: string): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  await forEachFrame(data, (frame) => {
    let offset = frame.header.firstOffset;
    for (const { record } of decodeRecords(frame)) {
      if (record.case !== "event") throw new Error("the log has a record that is no event");
      const { siteId, eventType, path, userId, timestamp, id, receivedAtMs } = record.value;
      entries.push({
        ...{ offset, siteId, eventType, path, userId, timestamp, receivedAtMs: Number(receivedAtMs) },
        eventId: id.case === "clientEventId" ? id.value : "",
      });
      offset += 1;
    }
  });
  return entries;
}

/** Folds the log anew, by the project's own fold, into a database at `path`. */
export async function foldAnew(data: string, path: string): Promise<void> {
  const model = new ReadModelWriter(path, { dedupeWindowMs: DEDUPE_WINDOW_MS });
  try {
    let frames: Frame[] = [];
    let events = 0;
    let fold = () => {};
    const decoder = new EventDecoder();
    await forEachFrame(data, (frame, after) => {
      frames.push(frame);
      events += frame.header.count;
      const firstOffset = frames[0]?.header.firstOffset ?? 0;
      fold = () => void model.apply({ firstOffset, parts: [...decoder.parts(frames)] }, after);
      if (events < FOLD_EVENTS) return;
      fold();
      frames = [];
      events = 0;
      fold = () => {};
    });
    fold();
  } finally {
    model.close();
  }
}

/** Opens a read model to look at. */
export function openTables(path: string): Database.Database {
  return new Database(path, { readonly: true, fileMustExist: true });
}

/** What the read model counted: the path and user id of each event. */
export function countedEvents(tables: Database.Database): { path: string | null; userId: string | null }[] {
  return tables
    .prepare<[], { path: string | null; userId: string | null }>(
      "SELECT path, user_id AS userId FROM events ORDER BY id",
    )
    .all();
}

/** How many writes that a crash cut short were found so far. */
export function tornWrites(data: string): number {
  const directory = join(data, "log");
  if (!existsSync(directory)) return 0;
  return readdirSync(directory).filter((name) => name.endsWith(".torn")).length;
}

/**
 * Resolves as soon as the log has grown by `bytes` within a moment, or after `patienceMs`. It looks at the file all the time,
 * as a write takes less than a millisecond.
 */
export async function logGrows(
  data: string,
  bytes: number,
  patienceMs: number,
  signal: AbortSignal,
): Promise<void> {
  const directory = join(data, "log");
  const last = readdirSync(directory)
    .filter((name) => name.endsWith(".log"))
    .sort()
    .at(-1);
  if (last === undefined) return;
  const fd = openSync(join(directory, last), "r");
  try {
    const deadline = performance.now() + patienceMs;
    let before = fstatSync(fd).size;
    while (performance.now() < deadline && !signal.aborted) {
      const { size } = fstatSync(fd);
      for (let look = 0; look < LOOKS; look += 1) {
        if (fstatSync(fd).size - before >= bytes) return;
      }
      before = size;
      await setImmediate();
    }
  } finally {
    closeSync(fd);
  }
}

type After = Parameters<ReadModelWriter["apply"]>[1];

async function forEachFrame(data: string, take: (frame: Frame, after: After) => void): Promise<void> {
  const reader = await readFromStart(await nodeLogFiles(join(data, "log")));
  try {
    for (let next = await reader?.next(); next; next = await reader?.next()) take(next.frame, next.after);
  } finally {
    await reader?.close();
  }
}
