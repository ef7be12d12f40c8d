// A large log, made by the log's own writer: most of it in frames as large as allowed, so that it is soon made, but the
// newest segment as a busy server leaves it, nearly full of small ones, as that is what is read at every start.

import { statSync } from "node:fs";
import { join } from "node:path";
import { v7 as uuidv7 } from "uuid";
import type { EventLog, RecordGroup } from "../src/log/event-log.ts";
import { type LogFiles, nodeLogFiles } from "../src/log/files.ts";
import { segmentOfName } from "../src/log/format.ts";
import { RecordEncoder } from "../src/log/records.ts";
import { openLog } from "../src/log/writer.ts";
import { SITE } from "./single-events.ts";

/** About 6 MB, of the 8 MiB that a frame may have. */
const LARGE_FRAME_EVENTS = 50_000;
const SMALL_FRAME_EVENTS = 64;
const NEARLY_FULL_BYTES = 120 * 1024 * 1024;
/** Room for small frames, so that there is at least one segment of nothing else. */
const SMALL_FRAMES_BYTES = 256 * 1024 * 1024;
/** Between looks at the size of the newest segment. */
const SMALL_FRAMES_AT_A_TIME = 200;

/** Makes a log of at least `bytes` in `directory`; resolves to the number of its events. */
export async function makeLargeLog(directory: string, bytes: number, signal: AbortSignal): Promise<number> {
  const files = await nodeLogFiles(directory);
  const receivedAtMs = Date.now();
  const { log } = await openLog(withoutSync(files));
  const large = encodeEvents(LARGE_FRAME_EVENTS, receivedAtMs);
  const small = encodeEvents(SMALL_FRAME_EVENTS, receivedAtMs);
  const append = (group: RecordGroup) => log.append({ groups: [group], receivedAtMs });

  let written = 0;
  for (; written < bytes - SMALL_FRAMES_BYTES; written += large.bytes.length) {
    signal.throwIfAborted();
    await append(large);
  }
  while (written < bytes || (await newestSegmentBytes(files)) < NEARLY_FULL_BYTES) {
    signal.throwIfAborted();
    for (let frame = 0; frame < SMALL_FRAMES_AT_A_TIME; frame++) await append(small);
    written += SMALL_FRAMES_AT_A_TIME * small.bytes.length;
  }
  return await closeOnDisk(log, files);
}

/** Many small frames would take long otherwise. */
function withoutSync(files: LogFiles): LogFiles {
  return {
    ...files,
    open: async (name, mode) => ({ ...(await files.open(name, mode)), datasync: async () => {} }),
  };
}

async function closeOnDisk(log: EventLog, files: LogFiles): Promise<number> {
  await log.close();
  // So that the disk is not busy with it when the measuring begins.
  for (const name of await files.list()) {
    const file = await files.open(name, "write");
    await file.datasync();
    await file.close();
  }
  return log.end;
}

async function newestSegmentBytes(files: LogFiles): Promise<number> {
  const segments = (await files.list()).filter((name) => segmentOfName(name) !== undefined);
  const newest = segments.sort().at(-1);
  return newest === undefined ? 0 : statSync(join(files.directory, newest)).size;
}

function encodeEvents(count: number, receivedAtMs: number): RecordGroup {
  const events = Array.from({ length: count }, (_, index) => ({
    siteId: SITE,
    eventType: "page_view",
    path: `/blog/article-${index % 200}`,
    userId: `user-${index % 5000}`,
    timestamp: "2025-11-12T19:30:01Z",
    id: { case: "serverEventId" as const, value: uuidv7({}, new Uint8Array(16)) },
    receivedAtMs: BigInt(receivedAtMs),
  }));
  return new RecordEncoder().encode(events);
}
