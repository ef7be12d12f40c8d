// `ingest`: single events, each answered when it is on disk, beside what an empty handler of Node's own HTTP answers, and
// a connect-node handler that does nothing, on the same core. They are measured by turns, so that a busy moment hits all
// of them; each share of a limit is taken within a round. Every success answer must be an event in the log and in the
// statistics.

import type { Figure, Surroundings } from "./benchmark.ts";
import { makeLoad, toolFor } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import { startConnectHandler, startEmptyHandler } from "./limits.ts";
import type { LoadRequest } from "./load.ts";
import { repeatCommits } from "./repeated-commits.ts";
import { type Server, startServer } from "./server.ts";
import { CONNECT_JSON, CONNECT_PROTO, GRPC, POST_EVENT, SITE } from "./single-events.ts";
import { overRounds } from "./statistics.ts";

interface Goal {
  readonly name: string;
  readonly request: LoadRequest;
  /** The least share of what the empty handler answers. */
  readonly ofEmpty: number;
  /** The least multiple of what the connect-node handler answers. */
  readonly ofConnect?: number;
}

const GOALS: readonly Goal[] = [
  { name: "POST /event", request: POST_EVENT, ofEmpty: 0.6 },
  { name: "Connect JSON", request: CONNECT_JSON, ofEmpty: 0.55, ofConnect: 5 },
  { name: "Connect proto", request: CONNECT_PROTO, ofEmpty: 0.55, ofConnect: 5 },
  { name: "gRPC", request: GRPC, ofEmpty: 0.6, ofConnect: 5 },
];

const CONNECT_NAME = "a do-nothing connect-node";

/** Before the rounds everything runs for this long, in s. It takes V8 some 50,000 requests to make all code fast. */
const WARM_UP_SECONDS = 6;
/** More of a core than this, and what was measured is the generator. */
const GENERATOR_SHARE = 0.9;

/** One server under one kind of request, round after round. */
interface Contender {
  readonly url: string;
  /** What the real server acknowledged. */
  readonly ledger?: Ledger;
  readonly perSecond: number[];
}

interface Lane {
  readonly goal: Goal;
  readonly footfall: Contender;
  /** The same without the projector. */
  readonly alone: Contender;
  readonly empty: Contender;
  readonly connect: Contender | undefined;
}

export async function benchmarkIngest(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, note, directory } = surroundings;
  const whole = await startServer(surroundings, { data: "whole", isPinned: true });
  const alone = await startServer(surroundings, { data: "alone", isPinned: true, role: "ingest,report" });
  const ledgers = { whole: new Ledger(whole, SITE), alone: new Ledger(alone, SITE) };
  const lanes: Lane[] = [];
  for (const goal of GOALS) {
    const tool = toolFor(goal.request.protocol);
    note(`${goal.name}: ${tool ? `by ${tool.name}` : "left out, as h2load is not installed"}`);
    if (tool) lanes.push(await openLane(goal, whole, alone, ledgers, surroundings));
  }

  let busiest = 0;
  const measure = async (contender: Contender, { request }: Goal, seconds: number): Promise<number> => {
    const { url, ledger } = contender;
    const load = { url, request, connections: settings.connections, seconds };
    const { accepted, unanswered, perSecond, cpuShare } = await makeLoad(load, surroundings);
    await ledger?.add(accepted, unanswered);
    busiest = Math.max(busiest, cpuShare);
    // The projector, at work on what is behind it, is no part of what is measured next.
    await ledger?.settle();
    return perSecond;
  };
  for (const lane of lanes) {
    for (const contender of contendersOf(lane)) await measure(contender, lane.goal, WARM_UP_SECONDS);
  }
  busiest = 0;
  const disk: number[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    for (const lane of lanes) {
      for (const contender of contendersOf(lane)) {
        contender.perSecond.push(await measure(contender, lane.goal, settings.seconds));
      }
      if (lane.goal.request === POST_EVENT) {
        disk.push(repeatCommits(whole.logDirectory, directory).eventsPerSecond);
      }
    }
    note(`round ${round} of ${settings.rounds}`);
  }

  const stored = (await ledgers.whole.check()) + (await ledgers.alone.check());
  return [
    ...lanes.flatMap(sharesOf),
    ...lanes.flatMap(ratesOf),
    { name: "write and fdatasync of POST /event's commits", unit: "events/s", ...overRounds(disk) },
    { name: "events stored, no success answer without one", value: stored, unit: "events" },
    {
      name: "the busiest generator, of its core",
      value: busiest * 100,
      unit: "%",
      limit: { kind: "at_most", value: GENERATOR_SHARE * 100 },
    },
  ];
}

async function openLane(
  goal: Goal,
  whole: Server,
  alone: Server,
  ledgers: Readonly<Record<"whole" | "alone", Ledger>>,
  surroundings: Surroundings,
): Promise<Lane> {
  const { request, ofConnect } = goal;
  const emptyUrl = await startEmptyHandler(whole.url, request, surroundings);
  // The answer that the empty handler copies was to an event.
  await ledgers.whole.add(1);
  return {
    goal,
    footfall: { url: whole.url, ledger: ledgers.whole, perSecond: [] },
    alone: { url: alone.url, ledger: ledgers.alone, perSecond: [] },
    empty: { url: emptyUrl, perSecond: [] },
    connect: ofConnect ? { url: await startConnectHandler(request, surroundings), perSecond: [] } : undefined,
  };
}

function contendersOf({ footfall, alone, empty, connect }: Lane): Contender[] {
  return connect ? [footfall, empty, alone, connect] : [footfall, empty, alone];
}

function sharesOf({ goal, footfall, alone, empty, connect }: Lane): Figure[] {
  const { name, ofEmpty, ofConnect } = goal;
  const share = (what: string, one: Contender, other: Contender, atLeast?: number): Figure => ({
    name: `${name} beside ${what}`,
    unit: "x",
    ...overRounds(one.perSecond.map((value, round) => value / (other.perSecond[round] ?? Number.NaN))),
    ...(atLeast !== undefined && { limit: { kind: "at_least", value: atLeast } }),
  });
  const figures = [
    share(emptyName(goal), footfall, empty, ofEmpty),
    share(`${emptyName(goal)}, without the projector`, alone, empty),
  ];
  if (!connect) return figures;
  return [
    ...figures,
    share(CONNECT_NAME, footfall, connect, ofConnect),
    share(`${CONNECT_NAME}, without the projector`, alone, connect),
  ];
}

function ratesOf({ goal, footfall, alone, empty, connect }: Lane): Figure[] {
  const rate = (what: string, contender: Contender): Figure => ({
    name: `${goal.name}, ${what}`,
    unit: "events/s",
    ...overRounds(contender.perSecond),
  });
  return [
    rate("durable", footfall),
    rate("durable, without the projector", alone),
    rate(emptyName(goal), empty),
    ...(connect ? [rate(CONNECT_NAME, connect)] : []),
  ];
}

function emptyName({ request }: Goal): string {
  return request.protocol === "http1" ? "an empty node:http" : "an empty node:http2";
}
