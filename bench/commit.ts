// `commit`: what the disk gives, in pieces as large as a busy server's group commits.

import { setImmediate } from "node:timers/promises";
import { commitFor } from "./bare-loop.ts";
import type { Figure, Surroundings } from "./benchmark.ts";
import { median, percentile } from "./statistics.ts";

const COMMIT_BYTES = 50_000;

export async function benchmarkCommit({ settings, directory, signal }: Surroundings): Promise<Figure[]> {
  const rounds: number[][] = [];
  for (let round = 0; round < settings.rounds; round++) {
    rounds.push(commitFor(settings.seconds * 1000, [COMMIT_BYTES], directory));
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
