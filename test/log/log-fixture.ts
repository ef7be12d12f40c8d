import { join } from "node:path";
import type { EventLog } from "../../src/log/event-log.ts";
import { type LogFiles, nodeLogFiles } from "../../src/log/files.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, eventIdOf, RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { temporaryDirectory } from "../temporary.ts";

export async function temporaryFiles(): Promise<LogFiles> {
  return nodeLogFiles(join(temporaryDirectory(), "log"));
}

function event(eventId: string, receivedAtMs: number): RecordedEvent {
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
