// A process: events at a constant rate. Argument: a Pace. It prints a PacedResult as JSON. The first part of the time is
// not measured: until the code on both sides is fast.

import { type Pace, sendPaced } from "./paced-events.ts";
import { percentile } from "./statistics.ts";

export interface PacedResult {
  readonly accepted: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const WARM_UP_SECONDS = 1;

const pace: Pace = JSON.parse(process.argv[2] ?? "{}");
const warmUp = await sendPaced({ ...pace, seconds: WARM_UP_SECONDS }, () => {});
const times: number[] = [];
const accepted = await sendPaced(pace, (dueAt) => times.push(performance.now() - dueAt));
const result: PacedResult = {
  accepted: warmUp + accepted,
  p50Ms: percentile(times, 0.5),
  p99Ms: percentile(times, 0.99),
};
process.stdout.write(JSON.stringify(result));
