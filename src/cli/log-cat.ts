// `footfall log cat`: the durable events of a log as JSON lines, in order. It reads the files, so it works beside a
// running server and without one.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { nodeLogFiles } from "../log/files.ts";
import { readFromSegmentOf } from "../log/reader.ts";
import { decodeRecords } from "../log/records.ts";
import { CliError } from "./cli-error.ts";
import { recordJson } from "./record-json.ts";

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
      for (const record of decodeRecords(next.frame)) {
        if (offset >= from) lines += `${JSON.stringify(recordJson(offset, record))}\n`;
        offset += 1;
      }
      if (lines !== "" && !output.write(lines)) await drained(output);
    }
  } finally {
    await reader?.close();
  }
}

/** Resolves when `output` takes more, or is closed. Its errors are told to whoever gave it. */
function drained(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off("drain", done);
      output.off("close", done);
      resolve();
    };
    output.on("drain", done);
    output.on("close", done);
  });
}
