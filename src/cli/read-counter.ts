// Shows how much of the log is read.

import type { LogFiles } from "../log/files.ts";
import { segmentName } from "../log/format.ts";
import { listSegments } from "../log/segments.ts";
import { startCounter } from "./counter.ts";

const MEBIBYTE = 1024 * 1024;

export interface ReadCounter {
  /** `bytes` more were read. */
  readonly read: (bytes: number) => void;
  readonly stop: () => void;
}

/** Counts, on standard error, the MiB of `files` that are read. */
export async function startReadCounter(files: LogFiles): Promise<ReadCounter> {
  let total = 0;
  for (const segment of await listSegments(files)) {
    const file = await files.open(segmentName(segment), "read");
    total += await file.size().finally(() => file.close());
  }
  const counter = startCounter("MiB", process.stderr);
  let bytes = 0;
  let shown = 0;
  return {
    read(more) {
      bytes += more;
      if (bytes - shown < MEBIBYTE) return;
      shown = bytes;
      counter.update(Math.floor(bytes / MEBIBYTE), Math.ceil(total / MEBIBYTE));
    },
    stop: () => counter.stop(),
  };
}
