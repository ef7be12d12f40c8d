// How long acknowledgements take while ten clients ask questions without pause that take long, and what becomes of the
// read model's write-ahead log meanwhile.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Surroundings } from "./benchmark.ts";
import { NodeProcess } from "./node-process.ts";
import type { Pace } from "./paced-events.ts";
import { ask, timeOf } from "./query-client.ts";
import { longQuestions } from "./query-questions.ts";
import type { PacedResult } from "./run-paced.ts";
import { type Server, startServer } from "./server.ts";
import { SITE } from "./single-events.ts";

export const CLIENTS = 10;
export const EVENTS_PER_SECOND = 1000;
/** What a question is to take, in ms. */
const LONG_MS = 500;
const WAL_SAMPLE_MS = 20;
const WAL_NAME = /^analytics-\d+\.db-wal$/;

interface LoadRound {
  /** The p99 of acknowledgements without questions, in ms. */
  readonly calmMs: number;
  readonly busyMs: number;
  readonly answersPerSecond: number;
  /** Questions that were refused, as too many waited. */
  readonly refused: number;
}

export interface LoadResult {
  /** How long the question takes alone. */
  readonly questionMs: number;
  readonly rounds: readonly LoadRound[];
  readonly walBytes: number;
}

/** A server on the data directory "data", whose log has `events` events. Throws when an event is lost or not counted. */
export async function askUnderLoad(surroundings: Surroundings, events: number): Promise<LoadResult> {
  const { settings, signal, note, directory } = surroundings;
  const server = await startServer(surroundings);
  const { json, ms } = await longQuestion(server.url, signal);
  const pace: Pace = { url: server.url, perSecond: EVENTS_PER_SECOND, seconds: settings.seconds };
  const rounds: LoadRound[] = [];
  let accepted = 0;
  using wal = watchWal(join(directory, "data"));
  for (let round = 1; round <= settings.rounds; round += 1) {
    await server.folded(events + accepted);
    const calm = await sendPaced(pace, surroundings);
    const clients = startClients(server.url, json, signal);
    const busy = await sendPaced(pace, surroundings);
    rounds.push({ calmMs: calm.p99Ms, busyMs: busy.p99Ms, ...(await clients.stop()) });
    accepted += calm.accepted + busy.accepted;
    note(`questions under load, round ${round} of ${settings.rounds}`);
  }
  await check(server, events, accepted);
  await server.stop();
  return { questionMs: ms, rounds, walBytes: wal.largest() };
}

/** The question that takes longest of those that take no longer than they may; the shortest when all take longer. */
async function longQuestion(url: string, signal: AbortSignal): Promise<{ json: string; ms: number }> {
  let chosen: { json: string; ms: number } | undefined;
  // Each takes longer than the one before it.
  for (const json of longQuestions()) {
    // The first time is not what it takes again and again.
    await timeOf(url, json, signal);
    const ms = await timeOf(url, json, signal);
    if (chosen && ms > LONG_MS) break;
    chosen = { json, ms };
  }
  if (!chosen) throw new Error("there are no long questions");
  return chosen;
}

async function sendPaced(pace: Pace, surroundings: Surroundings): Promise<PacedResult> {
  const child = new NodeProcess(["bench/run-paced.ts", JSON.stringify(pace)], surroundings);
  return JSON.parse(await child.output());
}

/** Each asks again as soon as it has its answer. */
function startClients(url: string, json: string, signal: AbortSignal) {
  const startedAt = performance.now();
  let answered = 0;
  let refused = 0;
  let isStopped = false;
  const client = async () => {
    while (!isStopped) {
      const { status } = await ask(url, json, signal);
      if (status === 200) answered += 1;
      else refused += 1;
    }
  };
  const clients = Promise.all(Array.from({ length: CLIENTS }, client));
  return {
    /** Resolves when all have their last answers. */
    async stop() {
      isStopped = true;
      await clients;
      return { answersPerSecond: (answered / (performance.now() - startedAt)) * 1000, refused };
    },
  };
}

async function check(server: Server, events: number, accepted: number): Promise<void> {
  const stored = (await server.folded(events + accepted)) - events;
  const views = await server.views(SITE);
  if (stored === accepted && views === accepted) return;
  throw new Error(`${accepted} events were acknowledged, ${stored} are stored and ${views} counted`);
}

function watchWal(dataDirectory: string) {
  let largest = 0;
  const timer = setInterval(() => {
    for (const name of readdirSync(dataDirectory).filter((name) => WAL_NAME.test(name))) {
      const stat = statSync(join(dataDirectory, name), { throwIfNoEntry: false });
      largest = Math.max(largest, stat?.size ?? 0);
    }
  }, WAL_SAMPLE_MS);
  return { largest: () => largest, [Symbol.dispose]: () => clearInterval(timer) };
}
