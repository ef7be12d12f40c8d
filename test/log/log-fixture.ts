import { join } from "node:path";
import type { EventLog } from "../../src/log/event-log.ts";
import { type LogFiles, nodeLogFiles, readFully, writeFully } from "../../src/log/files.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, eventIdOf, RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { type LogReport, verifyLog } from "../../src/log/verify.ts";
import { openLog } from "../../src/log/writer.ts";
import { temporaryDirectory } from "../temporary.ts";

export async function temporaryFiles(): Promise<LogFiles> {
  return nodeLogFiles(join(temporaryDirectory(), "log"));
}

export function event(eventId: string, receivedAtMs: number): RecordedEvent {
  return {
    siteId: "site",
    eventType: "page_view",
    path: "/",
    userId: "",
    timestamp: "2025-11-12T19:30:01Z",
    id: { case: "clientEventId", value: eventId },
    receivedAtMs: BigInt(receivedAtMs),
  };
}

export async function append(log: EventLog, eventIds: readonly string[], receivedAtMs = 1000): Promise<void> {
  const group = new RecordEncoder().encode(eventIds.map((id) => event(id, receivedAtMs)));
  await log.append({ groups: [group], receivedAtMs });
}

/** Makes a log with one frame for each group of ids, and closes it. */
export async function writeLog(
  files: LogFiles,
  groups: readonly string[][],
  segmentBytes?: number,
): Promise<void> {
  const { log } = await openLog(files, segmentBytes);
  for (const ids of groups) await append(log, ids);
  await log.close();
}

/** The ids of all durable events, in order. */
export async function readIds(files: LogFiles): Promise<string[]> {
  const reader = await readFromStart(files);
  const ids: string[] = [];
  for (let next = await reader?.next(); next; next = await reader?.next()) {
    for (const { record } of decodeRecords(next.frame))
      if (record.case === "event") ids.push(eventIdOf(record.value));
  }
  await reader?.close();
  return ids;
}

/** Verifies a log that nobody writes. */
export async function verify(files: LogFiles): Promise<LogReport> {
  return verifyLog(files, { lock: () => ({ release: () => {} }) });
}

export async function readBytes(files: LogFiles, name: string): Promise<Buffer> {
  const file = await files.open(name, "read");
  try {
    const bytes = Buffer.alloc(await file.size());
    await readFully(file, bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

/** Makes `name` a new file with these bytes. */
export async function writeBytes(files: LogFiles, name: string, bytes: Uint8Array): Promise<void> {
  if ((await files.list()).includes(name)) await files.remove(name);
  const file = await files.open(name, "create");
  try {
    await writeFully(file, bytes, 0);
  } finally {
    await file.close();
  }
}

export function flipped(bytes: Buffer, bit: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return damaged;
}

/** The files in a directory of `files`. */
export function filesIn(files: LogFiles, directory: string): LogFiles {
  const inside = (name: string) => `${directory}/${name}`;
  return {
    directory: inside(files.directory),
    list: async () =>
      (await files.list())
        .filter((name) => name.startsWith(inside("")))
        .map((name) => name.slice(inside("").length)),
    open: (name, mode) => files.open(inside(name), mode),
    rename: (from, to) => files.rename(inside(from), inside(to)),
    remove: (name) => files.remove(inside(name)),
    link: (from, to) => files.link(inside(from), inside(to)),
    makeDirectory: (name) => files.makeDirectory(inside(name)),
    syncDirectory: () => files.syncDirectory(directory),
    freeBytes: () => files.freeBytes(),
  };
}
