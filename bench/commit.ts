// `commit`: what the disk gives. A bare loop of write and fdatasync, in pieces as large as a busy server's group
// commits. No log that syncs before it answers commits faster than this.

import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { Figure, Surroundings } from "./benchmark.ts";
import { median, percentile } from "./statistics.ts";

const COMMIT_BYTES = 50_000;
/** As large as a segment of the log: a new file then, so that every write makes its file longer, as it does there. */
const FILE_BYTES = 128 * 1024 * 1024;

export async function benchmarkCommit({ settings, directory, signal }: Surroundings): Promise<Figure[]> {
  const rounds: number[][] = [];
  for (let round = 0; round < settings.rounds; round++) {
    rounds.push(commitFor(settings.seconds * 1000, join(directory, "commits")));
    await setImmediate();
    signal.throwIfAborted();
  }
  const commitsPerSecond = median(rounds.map((times) => times.length / settings.seconds));
  const milliseconds = (share: number) => median(rounds.map((times) => percentile(times, share)));
  return [
    { name: `commits of ${COMMIT_BYTES / 1000} KB`, value: commitsPerSecond, unit: "/s" },
    { name: "bytes", value: (commitsPerSecond * COMMIT_BYTES) / 1e6, unit: "MB/s" },
    { name: "a commit, p50", value: milliseconds(0.5), unit: "ms" },
    { name: "a commit, p99", value: milliseconds(0.99), unit: "ms" },
  ];
}

/** Commits for `ms`; gives how long each one took, in ms. */
function commitFor(ms: number, path: string): number[] {
  const bytes = Buffer.alloc(COMMIT_BYTES, "footfall ");
  const times: number[] = [];
  const end = performance.now() + ms;
  let now = performance.now();
  while (now < end) {
    const file = openSync(path, "w");
    try {
      for (let size = 0; size < FILE_BYTES && now < end; size += COMMIT_BYTES) {
        const before = now;
        writeSync(file, bytes);
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
