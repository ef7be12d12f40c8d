// `idle`: what the server takes while nothing happens, after it had something to do.

import { pause } from "../src/pause.ts";
import type { Figure, Surroundings } from "./benchmark.ts";
import { makeLoad } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import { watchUsage } from "./process-usage.ts";
import { startServer } from "./server.ts";
import { POST_EVENT, SITE } from "./single-events.ts";

const LOAD_SECONDS = 1;
/** After the load, in ms: collecting garbage and closing connections is no idling. */
const SETTLE_MS = 5000;
const IDLE_SECONDS = 20;
/** Of a core, all processes together. */
const GOAL_PERCENT = 1;

export async function benchmarkIdle(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, signal, cleanup } = surroundings;
  const server = await startServer(surroundings);
  const ledger = new Ledger(server, SITE);
  const { connections } = settings;
  const load = { url: server.url, request: POST_EVENT, connections, seconds: LOAD_SECONDS };
  const { accepted, unanswered } = await makeLoad(load, surroundings);
  await ledger.add(accepted, unanswered);
  await ledger.check();
  await pause(SETTLE_MS, signal);
  const watch = cleanup.use(watchUsage(new Map([["supervisor", () => server.pid]])));
  await pause(IDLE_SECONDS * 1000, signal);
  signal.throwIfAborted();
  const percents = [...watch.usage()].map(
    ([name, { cpuSeconds }]) => [name, (cpuSeconds / IDLE_SECONDS) * 100] as const,
  );
  if (percents.length === 0) throw new Error("the CPU time of processes is known on Linux only");
  return [
    {
      name: `CPU time of all processes over ${IDLE_SECONDS} s`,
      value: percents.reduce((sum, [, percent]) => sum + percent, 0),
      unit: "% of a core",
      limit: { kind: "at_most", value: GOAL_PERCENT },
    },
    ...percents.map(
      ([name, percent]): Figure => ({ name: `CPU time of ${name}`, value: percent, unit: "% of a core" }),
    ),
  ];
}
