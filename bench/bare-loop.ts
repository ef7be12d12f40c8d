// A bare loop of write and fdatasync: what the disk gives. No log that syncs before it answers commits faster.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** As large as a segment of the log: a new file then, so that every write makes its file longer, as it does there. */
const FILE_BYTES = 128 * 1024 * 1024;

/**
 * Writes pieces of these sizes by turns, for `ms`, to a file in `directory`; gives how long each commit took, in ms. It
 * holds the process up meanwhile.
 */
export function commitFor(ms: number, sizes: readonly number[], directory: string): number[] {
  const path = join(directory, "commits");
  const bytes = Buffer.alloc(Math.max(...sizes), "footfall ");
  const times: number[] = [];
  const end = performance.now() + ms;
  let now = performance.now();
  while (now < end) {
    const file = openSync(path, "w");
    try {
      for (let written = 0; written < FILE_BYTES && now < end; ) {
        const before = now;
        written += writeSync(file, bytes, 0, sizes[times.length % sizes.length]);
        fdatasyncSync(file);
        now = performance.now();
        times.push(now - before);
      }
    } finally {
      closeSync(file);
      rmSync(path);
    }
    now = performance.now();
  }
  return times;
}
