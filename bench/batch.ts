// `batch`: events that come a thousand at a time, by IngestEvents and by IngestEventStream, beside the same batches
// decoded and thrown away on the same core. First without the projector, then with it, which then is far behind all the
// while. In the end it must have counted them all.

import { BATCH_EVENTS, encodeBatch } from "./batches.ts";
import type { Figure, Surroundings } from "./benchmark.ts";
import { makeLoad } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import type { LoadRequest } from "./load.ts";
import { NodeProcess } from "./node-process.ts";
import { repeatCommits } from "./repeated-commits.ts";
import type { StreamResult, StreamTask } from "./run-streams.ts";
import { type Server, startServer } from "./server.ts";
import { SITE } from "./single-events.ts";
import { median, overRounds } from "./statistics.ts";

/** The goals: events per second, and the share of what only decodes; whichever is more. */
const GOAL_EVENTS_PER_SECOND = 250_000;
const GOAL_SHARE = 0.5;

/** How many batches, or streams of them, are on their way at a time: enough to keep the disk and the server busy. */
const CONNECTIONS = 4;
const WARM_UP_SECONDS = 1;

const INGEST_EVENTS: LoadRequest = {
  protocol: "http1",
  path: "/analytics.v1.AnalyticsService/IngestEvents",
  headers: { "content-type": "application/proto" },
  body: encodeBatch(),
};

/** Events per second, round after round. */
interface Rates {
  readonly batches: number[];
  readonly streams: number[];
  readonly decoded: number[];
  /** By a bare loop of the commits that the streams led to. */
  readonly disk: number[];
}

export async function benchmarkBatch(surroundings: Surroundings): Promise<Figure[]> {
  const aloneServer = { data: "alone", isPinned: true, role: "ingest,report" } as const;
  const alone = await measureServer(await startServer(surroundings, aloneServer), surroundings);
  surroundings.note("the same with the projector");
  const whole = await measureServer(
    await startServer(surroundings, { data: "whole", isPinned: true }),
    surroundings,
  );
  const decoded = [...alone.rates.decoded, ...whole.rates.decoded];
  const goal = Math.max(GOAL_EVENTS_PER_SECOND, GOAL_SHARE * median(decoded));
  const rate = (name: string, values: readonly number[], atLeast?: number): Figure => ({
    name,
    unit: "events/s",
    ...overRounds(values),
    ...(atLeast !== undefined && { limit: { kind: "at_least", value: atLeast } }),
  });
  const share = (name: string, values: readonly number[], { decoded }: Rates): Figure => ({
    name: `${name}, beside decoding`,
    unit: "x",
    ...overRounds(values.map((value, round) => value / (decoded[round] ?? Number.NaN))),
  });
  return [
    rate("IngestEvents, durable", whole.rates.batches, goal),
    rate("IngestEvents, durable, without the projector", alone.rates.batches),
    rate("IngestEventStream, durable", whole.rates.streams, goal),
    rate("IngestEventStream, durable, without the projector", alone.rates.streams),
    rate("the same batches decoded and thrown away", decoded),
    rate("write and fdatasync of the streams' commits", [...alone.rates.disk, ...whole.rates.disk]),
    share("IngestEvents", whole.rates.batches, whole.rates),
    share("IngestEvents, without the projector", alone.rates.batches, alone.rates),
    share("IngestEventStream", whole.rates.streams, whole.rates),
    share("IngestEventStream, without the projector", alone.rates.streams, alone.rates),
    {
      name: "events stored, no success answer without one",
      value: alone.stored + whole.stored,
      unit: "events",
    },
  ];
}

async function measureServer(
  server: Server,
  surroundings: Surroundings,
): Promise<{ rates: Rates; stored: number }> {
  const { settings, note } = surroundings;
  const ledger = new Ledger(server, SITE);
  const rates: Rates = { batches: [], streams: [], decoded: [], disk: [] };
  await sendBatches(server, WARM_UP_SECONDS, ledger, surroundings);
  await sendStreams(server, WARM_UP_SECONDS, ledger, surroundings);
  for (let round = 1; round <= settings.rounds; round++) {
    rates.batches.push(await sendBatches(server, settings.seconds, ledger, surroundings));
    rates.streams.push(await sendStreams(server, settings.seconds, ledger, surroundings));
    rates.decoded.push(await decode(surroundings));
    rates.disk.push(repeatCommits(server.logDirectory, surroundings.directory).eventsPerSecond);
    note(`round ${round} of ${settings.rounds}`);
  }
  if (server.hasProjector) note(`waiting for the statistics of ${ledger.acknowledged} events`);
  const stored = await ledger.check();
  await server.stop();
  return { rates, stored };
}

async function sendBatches(
  { url }: Server,
  seconds: number,
  ledger: Ledger,
  surroundings: Surroundings,
): Promise<number> {
  const load = { url, request: INGEST_EVENTS, connections: CONNECTIONS, seconds };
  const { accepted, unanswered, perSecond } = await makeLoad(load, surroundings);
  await ledger.add(accepted * BATCH_EVENTS, unanswered * BATCH_EVENTS);
  return perSecond * BATCH_EVENTS;
}

async function sendStreams(
  { url }: Server,
  seconds: number,
  ledger: Ledger,
  surroundings: Surroundings,
): Promise<number> {
  const task: StreamTask = { url, streams: CONNECTIONS, seconds };
  const child = new NodeProcess(["bench/run-streams.ts", JSON.stringify(task)], surroundings, "generator");
  const { accepted, perSecond }: StreamResult = JSON.parse(await child.output());
  await ledger.add(accepted);
  return perSecond;
}

async function decode(surroundings: Surroundings): Promise<number> {
  const { seconds } = surroundings.settings;
  const child = new NodeProcess(["bench/run-decode.ts", String(seconds)], surroundings, "server");
  return Number(await child.output());
}
