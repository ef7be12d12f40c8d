// `latency`: how long a single event takes until it is acknowledged, at half of the rate that the server can take, and
// an empty handler's answer at the same rate.

import type { Figure, Surroundings } from "./benchmark.ts";
import { makeLoad } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import { startEmptyHandler } from "./limits.ts";
import { NodeProcess } from "./node-process.ts";
import type { Pace } from "./paced-events.ts";
import { repeatCommits } from "./repeated-commits.ts";
import type { PacedResult } from "./run-paced.ts";
import { startServer } from "./server.ts";
import { POST_EVENT, SITE } from "./single-events.ts";
import { overRounds } from "./statistics.ts";

/** The goals for the p99: in ms, and as a multiple of what the limits take together. */
const GOAL_MS = 10;
const GOAL_TIMES = 4;

const SHARE_OF_TOP_RATE = 0.5;
const WARM_UP_SECONDS = 1;

export async function benchmarkLatency(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, note, directory } = surroundings;
  const server = await startServer(surroundings, { isPinned: true });
  const ledger = new Ledger(server, SITE);
  const emptyUrl = await startEmptyHandler(server.url, POST_EVENT, surroundings);
  await ledger.add(1);
  let topRate = 0;
  for (const seconds of [WARM_UP_SECONDS, settings.seconds]) {
    const load = { url: server.url, request: POST_EVENT, connections: settings.connections, seconds };
    const { accepted, unanswered, perSecond } = await makeLoad(load, surroundings);
    await ledger.add(accepted, unanswered);
    topRate = perSecond;
  }
  const perSecond = Math.round(topRate * SHARE_OF_TOP_RATE);
  note(`${perSecond} events/s`);

  const rounds: { durable: PacedResult; empty: PacedResult; commitMs: number }[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    await ledger.settle();
    const { seconds } = settings;
    const durable = await pace({ url: server.url, perSecond, seconds }, surroundings);
    await ledger.add(durable.accepted);
    await ledger.settle();
    const empty = await pace({ url: emptyUrl, perSecond, seconds }, surroundings);
    const { commitMs } = repeatCommits(server.logDirectory, directory);
    rounds.push({ durable, empty, commitMs });
    note(`round ${round} of ${settings.rounds}`);
  }
  await ledger.check();

  const ms = (name: string, values: readonly number[]): Figure => ({
    name,
    unit: "ms",
    ...overRounds(values),
  });
  const p99 = rounds.map(({ durable }) => durable.p99Ms);
  const limits = rounds.map(({ empty, commitMs }) => empty.p99Ms + commitMs);
  return [
    { name: "the rate, half of the top rate", value: perSecond, unit: "events/s" },
    { ...ms("an acknowledged event, p99", p99), limit: { kind: "at_most", value: GOAL_MS } },
    {
      name: "beside the limits together, p99",
      unit: "x",
      ...overRounds(p99.map((value, round) => value / (limits[round] ?? Number.NaN))),
      limit: { kind: "at_most", value: GOAL_TIMES },
    },
    ms(
      "an acknowledged event, p50",
      rounds.map(({ durable }) => durable.p50Ms),
    ),
    ms(
      "an empty node:http, p99",
      rounds.map(({ empty }) => empty.p99Ms),
    ),
    ms(
      "write and fdatasync of the same commits, p50",
      rounds.map(({ commitMs }) => commitMs),
    ),
  ];
}

async function pace(task: Pace, surroundings: Surroundings): Promise<PacedResult> {
  const child = new NodeProcess(["bench/run-paced.ts", JSON.stringify(task)], surroundings, "generator");
  return JSON.parse(await child.output());
}
