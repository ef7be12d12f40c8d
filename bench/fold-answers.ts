// How long the statistics of a site take, from a read model in this process.

import { setImmediate } from "node:timers/promises";
import { ReadModelReader } from "../src/readmodel/reader.ts";
import type { Surroundings } from "./benchmark.ts";
import { BUSIEST, FIRST_DAY } from "./fold-tally.ts";
import { median, percentile } from "./statistics.ts";

const ANSWERS = 2000;
/** As many as GetStats lists by default. */
const LIMIT = 10;

export type Span = "all time" | "one day";

/**
 * The p99 of the answers from each of `dataDirectories`, in ms: the median of those of the rounds. They are asked by
 * turns, so that a busy moment hits all of them.
 */
export async function answerTimes(
  dataDirectories: readonly string[],
  span: Span,
  { settings, signal }: Surroundings,
): Promise<number[]> {
  const readers = dataDirectories.map((directory) => new ReadModelReader(directory));
  const query = { siteId: BUSIEST, date: span === "one day" ? FIRST_DAY : null, limit: LIMIT };
  const slowest: number[][] = readers.map(() => []);
  try {
    // The first round warms up.
    for (let round = 0; round <= settings.rounds; round++) {
      for (const [index, reader] of readers.entries()) {
        await setImmediate();
        signal.throwIfAborted();
        const times = Array.from({ length: ANSWERS }, () => {
          const before = performance.now();
          reader.stats(query);
          return performance.now() - before;
        });
        if (round > 0) slowest[index]?.push(percentile(times, 0.99));
      }
    }
    return slowest.map(median);
  } finally {
    for (const reader of readers) reader.close();
  }
}
