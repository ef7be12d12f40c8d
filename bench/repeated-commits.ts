// The newest group commits of a server's log, written once more by a bare loop: the same bytes, and nothing but them.

import { commitFor } from "./bare-loop.ts";
import { lastCommits } from "./log-frames.ts";
import { median } from "./statistics.ts";

/** How many commits are repeated, by turns, and for how long, in ms. */
const COMMITS = 2000;
const LOOP_MS = 500;

export interface RepeatedCommits {
  readonly eventsPerSecond: number;
  /** How long a commit takes: the median. */
  readonly commitMs: number;
}

/** The log must be at rest. What is written goes to a file in `directory`, which should be on the same disk. */
export function repeatCommits(logDirectory: string, directory: string): RepeatedCommits {
  const commits = lastCommits(logDirectory).slice(-COMMITS);
  const sizes = commits.map(({ bytes }) => bytes);
  const times = commitFor(LOOP_MS, sizes, directory);
  const events = times.reduce((sum, _, index) => sum + (commits[index % commits.length]?.events ?? 0), 0);
  const seconds = times.reduce((sum, ms) => sum + ms, 0) / 1000;
  return { eventsPerSecond: events / seconds, commitMs: median(times) };
}
