// `footfall log cat`: the durable events of a log as JSON lines, in order. It reads the files, so it works beside a
// running server and without one.

import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { nodeLogFiles } from "../log/files.ts";
import { readFromSegmentOf } from "../log/reader.ts";
import { decodeRecords, eventIdOf, type RecordedEvent } from "../log/records.ts";
import { CliError } from "./cli-error.ts";

/**
 * Writes the events from offset `from` on; ends at the durable end, or when `output` is closed. Throws a CliError when
 * there is no log, and a LogError when it is damaged.
 */
export async function catLog(dataDirectory: string, from: number, output: Writable): Promise<void> {
  const directory = join(dataDirectory, "log");
  if (!existsSync(directory)) {
    throw new CliError(
      `there is no event log in ${dataDirectory}: name the server's data directory with --data`,
    );
  }
  let isClosed = false;
  output.on("close", () => {
    isClosed = true;
  });
  const reader = await readFromSegmentOf(await nodeLogFiles(directory), from);
  try {
    for (let next = await reader?.next(); next && !isClosed; next = await reader?.next()) {
      let offset = next.frame.header.firstOffset;
      let lines = "";
      for (const { record } of decodeRecords(next.frame)) {
        if (offset >= from && record.case === "event") {
          lines += `${JSON.stringify(eventJson(offset, record.value))}\n`;
        }
        offset += 1;
      }
      if (lines !== "" && !output.write(lines)) {
        await Promise.race([once(output, "drain"), once(output, "close")]);
      }
    }
  } finally {
    await reader?.close();
  }
}

/** An event as it is shown to people and scripts. */
export function eventJson(offset: number, event: RecordedEvent): object {
  return {
    offset,
    received_at: new Date(Number(event.receivedAtMs)).toISOString(),
    site_id: event.siteId,
    event_type: event.eventType,
    path: event.path || undefined,
    user_id: event.userId || undefined,
    timestamp: event.timestamp,
    event_id: eventIdOf(event),
    event_id_from: event.id.case === "clientEventId" ? "client" : "server",
  };
}
