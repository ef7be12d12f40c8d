// `fold`: the projector on its own, in a process of its own, from a log on disk to the read model: many events, events with
// what enrichment finds, events with the senders' ids, and a site with very many paths; beside a bare loop that only inserts the
// same rows. Then how long statistics take from what it made. What the read models say must be what the logs have.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { ReadModelReader } from "../src/readmodel/reader.ts";
import { PROJECTOR_FLAGS } from "../src/supervisor/supervisor.ts";
import type { Figure, Surroundings } from "./benchmark.ts";
import { answerTimes, type Span } from "./fold-answers.ts";
import { makeFoldLog } from "./fold-log.ts";
import type { Mix } from "./fold-mix.ts";
import { sizeFigures } from "./fold-sizes.ts";
import { NodeProcess } from "./node-process.ts";
import type { Cost } from "./one-shot.ts";
import { makeQueryLog } from "./query-log.ts";
import type { Inserted } from "./run-fold-rows.ts";

const SITES = 50;
const PATHS_PER_SITE = 1000;
const SMALL_EVENTS = 100_000;
const MOST_EVENTS_WITH_DETAILS = 1_000_000;
const MOST_EVENTS_WITH_IDS = 1_000_000;
const MOST_PATHS = 1_000_000;
const EVENTS_PER_PATH = 2;
/** Of the bare loop, whose rate does not depend on how many there are. */
const MOST_ROWS = 2_000_000;

const GOAL_EVENTS_PER_SECOND = 150_000;
const GOAL_OF_BARE_LOOP = 0.4;
const GOAL_OF_FEW_PATHS = 0.7;
const GOAL_PEAK_MB = 512;
/** The p99 of an answer, in ms, and beside a database of few events. */
const GOAL_ANSWER_MS = 2;
const GOAL_ANSWER_OF_SMALL = 1.5;
const GOAL_ANSWER_MANY_PATHS_MS = 10;

interface Folded extends Cost {
  readonly dataDirectory: string;
  readonly perSecond: number;
  readonly events: number;
}

export async function benchmarkFold(surroundings: Surroundings): Promise<Figure[]> {
  const { events } = surroundings.settings;
  if (events < SMALL_EVENTS) throw new Error(`fold takes --events of at least ${SMALL_EVENTS}`);
  const paths = Math.min(MOST_PATHS, events / EVENTS_PER_PATH);
  const mix: Mix = { events, sites: SITES, pathsPerSite: PATHS_PER_SITE, ids: "none" };
  const withIds = { ...mix, events: Math.min(events, MOST_EVENTS_WITH_IDS) };
  const oneSite = { ...mix, sites: 1, events: EVENTS_PER_PATH * paths };

  const foldMix = (name: string, mix: Mix) => fold(name, mix, surroundings);
  const small = await foldMix("a small log", { ...mix, events: SMALL_EVENTS });
  const whole = await foldMix("without ids", mix);
  const bare = await insertRows(whole, surroundings);
  const detailed = await foldDetailed("with details", surroundings);
  const ascending = await foldMix("with ascending ids", { ...withIds, ids: "ascending" });
  const random = await foldMix("with random ids", { ...withIds, ids: "random" });
  const few = await foldMix(`a site with ${number(PATHS_PER_SITE)} paths`, oneSite);
  const many = await foldMix(`a site with ${number(paths)} paths`, { ...oneSite, pathsPerSite: paths });

  return [
    ...foldFigures("without ids", whole, GOAL_EVENTS_PER_SECOND),
    { name: "a bare loop that inserts the same rows", value: bare, unit: "events/s" },
    ...sizeFigures(whole.dataDirectory, mix),
    share("without ids, beside the bare loop", whole.perSecond / bare, GOAL_OF_BARE_LOOP),
    ...foldFigures("with details", detailed),
    ...foldFigures("with ascending ids", ascending),
    ...foldFigures("with random ids", random),
    ...foldFigures(`a site with ${number(PATHS_PER_SITE)} paths`, few),
    ...foldFigures(`a site with ${number(paths)} paths`, many),
    share("many paths, beside few", many.perSecond / few.perSecond, GOAL_OF_FEW_PATHS),
    ...(await answerFigures("all time", small, whole, surroundings)),
    ...(await answerFigures("one day", small, whole, surroundings)),
    ...(await manyPathsFigures(many, paths, surroundings)),
  ];
}

/** Makes a log, folds it, and checks what came out. Only the fold is measured. */
async function fold(name: string, mix: Mix, surroundings: Surroundings): Promise<Folded> {
  const dataDirectory = directoryFor(name, surroundings);
  const expected = await makeFoldLog(dataDirectory, mix, surroundings.signal);
  const folded = await foldLog(name, dataDirectory, mix.events, surroundings);
  expected.check(dataDirectory);
  return folded;
}

/** The same of events as the server records them: most have ten texts more. */
async function foldDetailed(name: string, surroundings: Surroundings): Promise<Folded> {
  const { settings, signal } = surroundings;
  const dataDirectory = directoryFor(name, surroundings);
  const most = Math.min(settings.events, MOST_EVENTS_WITH_DETAILS);
  const { events, views } = await makeQueryLog(join(dataDirectory, "log"), most, signal);
  const folded = await foldLog(name, dataDirectory, events, surroundings);
  const reader = new ReadModelReader(dataDirectory);
  try {
    for (const [siteId, expected] of views) {
      const { totalViews } = reader.stats({ siteId, date: null, limit: 1 });
      if (totalViews === expected) continue;
      throw new Error(`${siteId} has ${expected} views, and ${totalViews} are counted`);
    }
  } finally {
    reader.close();
  }
  return folded;
}

async function foldLog(
  name: string,
  dataDirectory: string,
  events: number,
  surroundings: Surroundings,
): Promise<Folded> {
  const args = ["bench/run-fold.ts", dataDirectory, String(events)];
  const cost: Cost = await resultOf([...PROJECTOR_FLAGS, ...args], surroundings);
  const perSecond = events / cost.seconds;
  surroundings.note(`${name}: ${number(events)} events, ${number(perSecond)}/s`);
  return { ...cost, dataDirectory, perSecond, events };
}

function directoryFor(name: string, { directory }: Surroundings): string {
  return join(directory, name.replaceAll(/\W+/g, "-"));
}

/** How many rows a second the bare loop inserts. */
async function insertRows({ dataDirectory, events }: Folded, surroundings: Surroundings): Promise<number> {
  const log = join(dataDirectory, "log");
  const path = join(surroundings.directory, "rows.db");
  const most = Math.min(events, MOST_ROWS);
  const args = ["bench/run-fold-rows.ts", log, path, String(most)];
  const { rows, seconds }: Inserted = await resultOf(args, surroundings);
  if (rows < most) throw new Error(`the log has ${events} events, and ${rows} were inserted`);
  rmSync(path);
  return rows / seconds;
}

async function resultOf<T>(args: readonly string[], surroundings: Surroundings): Promise<T> {
  return JSON.parse(await new NodeProcess(args, surroundings).output());
}

function foldFigures(
  name: string,
  { perSecond, cpuSeconds, peakMb, events }: Folded,
  goal?: number,
): Figure[] {
  return [
    {
      name,
      value: perSecond,
      unit: "events/s",
      ...(goal !== undefined && { limit: { kind: "at_least", value: goal } }),
    },
    { name: `${name}, CPU time`, value: (cpuSeconds / events) * 1e6, unit: "µs/event" },
    {
      name: `${name}, peak memory`,
      value: peakMb,
      unit: "MB",
      limit: { kind: "at_most", value: GOAL_PEAK_MB },
    },
  ];
}

function share(name: string, value: number, goal: number): Figure {
  return { name, value, unit: "x", limit: { kind: "at_least", value: goal } };
}

async function answerFigures(
  span: Span,
  small: Folded,
  whole: Folded,
  surroundings: Surroundings,
): Promise<Figure[]> {
  const directories = [small.dataDirectory, whole.dataDirectory];
  const [ofSmall = Number.NaN, ofWhole = Number.NaN] = await answerTimes(directories, span, surroundings);
  const name = `statistics of ${span}, p99`;
  const limit = (value: number) => ({ kind: "at_most", value }) as const;
  return [
    { name: `${name}, ${number(small.events)} events`, value: ofSmall, unit: "ms" },
    {
      name: `${name}, ${number(whole.events)} events`,
      value: ofWhole,
      unit: "ms",
      limit: limit(GOAL_ANSWER_MS),
    },
    {
      name: `${name}, beside few events`,
      value: ofWhole / ofSmall,
      unit: "x",
      limit: limit(GOAL_ANSWER_OF_SMALL),
    },
  ];
}

async function manyPathsFigures(many: Folded, paths: number, surroundings: Surroundings): Promise<Figure[]> {
  const [value = Number.NaN] = await answerTimes([many.dataDirectory], "all time", surroundings);
  const name = `statistics of all time, p99, ${number(paths)} paths`;
  return [{ name, value, unit: "ms", limit: { kind: "at_most", value: GOAL_ANSWER_MANY_PATHS_MS } }];
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en");
}
