// `footfall dead-letters`: the events that are in no number, as the fold could not take them, with the reason.

import { join } from "node:path";
import { nodeLogFiles } from "../log/files.ts";
import { readFromSegmentOf } from "../log/reader.ts";
import { decodeRecords } from "../log/records.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { CliError } from "./cli-error.ts";
import { recordJson } from "./record-json.ts";

/** Resolves to one JSON line for each dead letter. Throws a CliError, and a LogError when the log is damaged. */
export async function deadLettersText(dataDirectory: string): Promise<string> {
  const reader = new ReadModelReader(dataDirectory);
  const deadLetters = reader.deadLetters();
  reader.close();
  if (!deadLetters) {
    throw new CliError(
      `there are no statistics in ${dataDirectory}: name the server's data directory with --data`,
    );
  }
  let text = "";
  for (const { offset, error, version } of deadLetters) {
    const event = await eventAt(dataDirectory, offset);
    text += `${JSON.stringify({ error, projection_version: version, ...event })}\n`;
  }
  return text;
}

async function eventAt(dataDirectory: string, offset: number): Promise<object> {
  const reader = await readFromSegmentOf(await nodeLogFiles(join(dataDirectory, "log")), offset);
  try {
    for (let next = await reader?.next(); next; next = await reader?.next()) {
      const { firstOffset, count } = next.frame.header;
      if (offset >= firstOffset + count) continue;
      const record = decodeRecords(next.frame)[offset - firstOffset];
      if (record) return recordJson(offset, record);
      break;
    }
  } finally {
    await reader?.close();
  }
  return { offset };
}
