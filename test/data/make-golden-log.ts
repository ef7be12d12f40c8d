// Writes log-v1/, a log of format version 1, and log-v1.jsonl, the events that are in it, each with its offset. They
// were made once and are never made again: logs of every released version are read for ever (golden.test.ts).
// There is everything that a record can have: ids of both kinds, empty fields, texts of several bytes a character, long
// ones, and times from the first to the last year that there is.
//
//   node test/data/make-golden-log.ts DIRECTORY

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "uuid";
import { nodeLogFiles } from "../../src/log/files.ts";
import { RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { createSegment } from "../../src/log/segments.ts";
import { openLog } from "../../src/log/writer.ts";

const LOG_ID = "0198c0de-0000-7000-8000-0123456789ab";
const FIRST_RECEIPT_MS = Date.UTC(2025, 10, 12, 19, 30, 1);
/** Small, so that there are several segments. */
const SEGMENT_BYTES = 4096;

/** The frames: how many events each has. */
const FRAMES = [1, 3, 1, 40, 2, 1, 1, 25, 7, 1];

const TIMESTAMPS = [
  "2025-11-12T19:30:01Z",
  "0001-01-01T00:00:00Z",
  "2025-11-12T19:30:01.500Z",
  "2025-02-28T23:59:59.123456Z",
  "9999-12-31T23:59:59.999999999Z",
];
const PATHS = ["/", "/pricing", "", "/caf\u00e9/\u{1f600}?q=%2F", `/${"long/".repeat(60)}`];
const USERS = ["", "user-1", "\u00fcser-2", "u".repeat(256)];
const SITES = ["site", "example.org", "\u4f8b"];
const TYPES = ["page_view", "click", "page_view"];

function eventAt(offset: number, receivedAtMs: number): RecordedEvent {
  const serverId = `0198c0de-${String(offset % 10_000).padStart(4, "0")}-7000-8000-0123456789ab`;
  return {
    siteId: pick(SITES, offset),
    eventType: pick(TYPES, offset),
    path: pick(PATHS, offset),
    userId: pick(USERS, offset),
    timestamp: pick(TIMESTAMPS, offset),
    id:
      offset % 3 === 0
        ? { case: "serverEventId", value: parse(serverId) }
        : { case: "clientEventId", value: `client-${offset}` },
    receivedAtMs: BigInt(receivedAtMs),
  };
}

function pick(values: readonly string[], index: number): string {
  return values[index % values.length] ?? "";
}

/** An event as a line of JSON says it. */
export function goldenJson(offset: number, event: RecordedEvent): object {
  const { id, receivedAtMs, siteId, eventType, path, userId, timestamp } = event;
  const eventId = id.case === "serverEventId" ? { server: stringify(id.value) } : { client: id.value };
  return {
    offset,
    receivedAtMs: Number(receivedAtMs),
    ...{ siteId, eventType, path, userId, timestamp, eventId },
  };
}

/** Makes the log in `directory`; its events as JSON lines. */
export async function makeGoldenLog(directory: string): Promise<string> {
  const files = await nodeLogFiles(directory);
  const { file } = await createSegment(files, { logId: LOG_ID, firstOffset: 0, receivedBeforeMs: 0 });
  await file.close();
  const { log } = await openLog(files, SEGMENT_BYTES);
  const encoder = new RecordEncoder();
  let lines = "";
  for (const [index, count] of FRAMES.entries()) {
    // Two frames have the same time of receipt.
    const receivedAtMs = FIRST_RECEIPT_MS + Math.floor(index / 2) * 1000;
    const events = Array.from({ length: count }, (_, i) => eventAt(log.end + i, receivedAtMs));
    for (const [i, event] of events.entries()) {
      lines += `${JSON.stringify(goldenJson(log.end + i, event))}\n`;
    }
    await log.append({ groups: [encoder.encode(events)], receivedAtMs });
  }
  await log.close();
  return lines;
}

if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error("name the directory to make log-v1/ and log-v1.jsonl in");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "log-v1.jsonl"), await makeGoldenLog(join(directory, "log-v1")));
}
