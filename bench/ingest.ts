// `ingest`: single events, each answered when it is on disk, beside what an empty handler answers. The load generator
// and both servers are processes of their own; they are measured by turns, so that a busy moment hits all of them.
// Every success answer must be an event in the log, and there must be no other.

import type { Figure, Surroundings } from "./benchmark.ts";
import { type Answer, copyAnswer } from "./copied-answer.ts";
import type { LoadResult, LoadTask } from "./load.ts";
import { NodeProcess } from "./node-process.ts";
import { startServer } from "./server.ts";
import { median } from "./statistics.ts";

const PATHS = { "POST /event": "/event", Connect: "/analytics.v1.AnalyticsService/IngestEvent" };

/** Before each measurement; the first one warms the servers up, and tells how many requests a measurement takes. */
const WARM_UP_REQUESTS = 3000;

/** The requests of one kind to one server, round after round. */
interface Lane {
  readonly what: string;
  readonly path: string;
  readonly url: string;
  readonly isFootfall: boolean;
  readonly results: LoadResult[];
}

export async function benchmarkIngest(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, note, signal } = surroundings;
  const bodies = Array.from({ length: 100 }, (_, index) => eventBody(index));
  const server = await startServer(surroundings);
  const paths = Object.values(PATHS);
  const answers: Answer[] = [];
  for (const path of paths) answers.push(await copyAnswer(server.url, path, bodies[0] ?? "", signal));
  const emptyUrl = await startEmptyHandler(surroundings, answers);
  const lanes: Lane[] = Object.entries(PATHS).flatMap(([what, path]) => [
    { what, path, url: server.url, isFootfall: true, results: [] },
    { what, path, url: emptyUrl, isFootfall: false, results: [] },
  ]);

  let accepted = answers.length;
  const run = async ({ url, path, isFootfall }: Lane, amount: number): Promise<LoadResult> => {
    const { connections } = settings;
    const task = { url: url + path, connections, warmUp: WARM_UP_REQUESTS, amount, bodies };
    const result = await load(task, surroundings);
    if (isFootfall) accepted += result.accepted;
    return result;
  };
  const amounts = new Map<Lane, number>();
  for (const lane of lanes) {
    const { perSecond } = await run(lane, WARM_UP_REQUESTS);
    amounts.set(lane, Math.max(WARM_UP_REQUESTS, Math.round(perSecond * settings.seconds)));
  }
  for (let round = 1; round <= settings.rounds; round++) {
    for (const lane of lanes) lane.results.push(await run(lane, amounts.get(lane) ?? WARM_UP_REQUESTS));
    note(`round ${round} of ${settings.rounds}`);
  }

  const stored = await server.folded(accepted);
  if (stored !== accepted) throw new Error(`${accepted} success answers, but ${stored} events in the log`);
  return [
    ...Object.keys(PATHS).flatMap((what) => figuresOf(what, lanes)),
    { name: "success answers, each an event in the log", value: stored, unit: "events" },
  ];
}

function figuresOf(what: string, lanes: readonly Lane[]): Figure[] {
  const medianOf = (isFootfall: boolean, value: (result: LoadResult) => number): number => {
    const lane = lanes.find((one) => one.what === what && one.isFootfall === isFootfall);
    return median(lane?.results.map(value) ?? []);
  };
  const figure = (name: string, unit: string, value: (result: LoadResult) => number): Figure => ({
    name: `${what}, ${name}`,
    value: medianOf(true, value),
    unit,
    limit: { kind: "yardstick", value: medianOf(false, value) },
  });
  return [
    figure("durable", "events/s", ({ perSecond }) => perSecond),
    figure("p50", "ms", ({ p50Ms }) => p50Ms),
    figure("p99", "ms", ({ p99Ms }) => p99Ms),
  ];
}

async function startEmptyHandler(surroundings: Surroundings, answers: readonly Answer[]): Promise<string> {
  const child = new NodeProcess(["bench/empty-handler.ts", JSON.stringify(answers)], surroundings);
  const [, url = ""] = await child.printed(/^ready on (\S+)$/m);
  return url;
}

async function load(task: LoadTask, surroundings: Surroundings): Promise<LoadResult> {
  const child = new NodeProcess(["bench/load.ts", JSON.stringify(task)], surroundings);
  const result: LoadResult = JSON.parse(await child.output());
  return result;
}

function eventBody(index: number): string {
  return JSON.stringify({
    site_id: "bench",
    event_type: "page_view",
    path: `/blog/article-${index % 20}`,
    user_id: `user-${index}`,
    timestamp: "2025-11-12T19:30:01Z",
  });
}
