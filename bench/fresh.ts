// `fresh`: at a modest constant rate, how long it takes from an event's acknowledgement until the statistics have it.

import type { Figure, Surroundings } from "./benchmark.ts";
import { Ledger } from "./ledger.ts";
import { NodeProcess } from "./node-process.ts";
import type { Pace } from "./paced-events.ts";
import type { FreshResult } from "./run-fresh.ts";
import { startServer } from "./server.ts";
import { SITE } from "./single-events.ts";
import { overRounds } from "./statistics.ts";

const EVENTS_PER_SECOND = 1000;
const GOAL_P99_MS = 200;

export async function benchmarkFresh(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, note } = surroundings;
  const server = await startServer(surroundings, { isPinned: true });
  const ledger = new Ledger(server, SITE);
  const task: Pace = { url: server.url, perSecond: EVENTS_PER_SECOND, seconds: settings.seconds };
  const results: FreshResult[] = [];
  // The first round makes the code fast.
  for (let round = 0; round <= settings.rounds; round++) {
    const child = new NodeProcess(["bench/run-fresh.ts", JSON.stringify(task)], surroundings, "generator");
    const result: FreshResult = JSON.parse(await child.output());
    await ledger.add(result.accepted);
    if (round > 0) results.push(result);
    note(`round ${round} of ${settings.rounds}`);
  }
  await ledger.check();
  const ms = (name: string, values: readonly number[]): Figure => ({
    name,
    unit: "ms",
    ...overRounds(values),
  });
  return [
    {
      ...ms(
        "from acknowledged to counted, p99",
        results.map(({ p99Ms }) => p99Ms),
      ),
      limit: { kind: "at_most", value: GOAL_P99_MS },
    },
    ms(
      "from acknowledged to counted, p50",
      results.map(({ p50Ms }) => p50Ms),
    ),
    ms(
      "from acknowledged to counted, at worst",
      results.map(({ worstMs }) => worstMs),
    ),
  ];
}
