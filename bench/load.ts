// A process: the load generator. It sends a given number of requests rather than for a given time, so that every one
// of them is answered, and the answers can be counted. Some of them go first, unmeasured, until its own code is fast.
// It prints a LoadResult as JSON.

import autocannon from "autocannon";
import { percentile } from "./statistics.ts";

export interface LoadTask {
  readonly url: string;
  readonly connections: number;
  /** How many requests go first, and how many are measured. */
  readonly warmUp: number;
  readonly amount: number;
  /** Sent by turns. */
  readonly bodies: readonly string[];
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with a status of 2xx, also to the requests that went first: all, or it fails. */
  readonly accepted: number;
}

const task: LoadTask = JSON.parse(process.argv[2] ?? "{}");
await send(task.warmUp);
const times: number[] = [];
const startedAt = performance.now();
let endedAt = startedAt;
await send(task.amount, (responseMs) => {
  endedAt = performance.now();
  times.push(responseMs);
});
const answer: LoadResult = {
  perSecond: task.amount / ((endedAt - startedAt) / 1000),
  p50Ms: percentile(times, 0.5),
  p99Ms: percentile(times, 0.99),
  accepted: task.warmUp + task.amount,
};
process.stdout.write(JSON.stringify(answer));

/** Sends `amount` requests. `onResponse` hears how long each took: autocannon's own figures are in whole ms. */
async function send(amount: number, onResponse: (responseMs: number) => void = () => {}): Promise<void> {
  const finished = Promise.withResolvers<autocannon.Result>();
  const run = autocannon(
    {
      url: task.url,
      connections: task.connections,
      amount,
      method: "POST",
      headers: { "content-type": "application/json" },
      requests: task.bodies.map((body) => ({ body })),
    },
    (error, result) => (error ? finished.reject(error) : finished.resolve(result)),
  );
  run.on("response", (_client, _status, _bytes, responseMs) => onResponse(responseMs));
  const result = await finished.promise;
  if (result["2xx"] === amount && result.errors === 0) return;
  throw new Error(`${amount} requests: ${result["2xx"]} succeeded, ${result.errors} errors`);
}
