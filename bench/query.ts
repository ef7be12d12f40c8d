// `query`: the questions of a dashboard, asked of a server that has many events of a year, and of DuckDB that has the same
// in memory; both must say the same. Then how long acknowledgements take while such questions are asked without pause.

import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROJECTOR_FLAGS } from "../src/supervisor/supervisor.ts";
import type { Figure, Limit, Surroundings } from "./benchmark.ts";
import { NodeProcess } from "./node-process.ts";
import type { Cost } from "./one-shot.ts";
import { type Answers, type Asked, askDashboards } from "./query-answers.ts";
import { askUnderLoad, CLIENTS, EVENTS_PER_SECOND, type LoadResult } from "./query-load.ts";
import { makeQueryLog } from "./query-log.ts";
import { PARTS, VARIANTS, type Variant } from "./query-questions.ts";
import type { DuckDBResult } from "./run-query-duckdb.ts";
import { overRounds, percentile } from "./statistics.ts";

/** The goals for the p99, in ms. */
const GOALS: Readonly<Record<Variant, { readonly cold: number; readonly repeated: number }>> = {
  "views and visits": { cold: 50, repeated: 50 },
  "with visitors": { cold: 200, repeated: 50 },
  "with two filters": { cold: 500, repeated: 500 },
};
/** The p99 of acknowledgements while questions are asked, beside its calm value. */
const GOAL_TIMES_CALM = 2;
/** What the write-ahead log may grow to (src/readmodel/writer.ts), in MB. */
const GOAL_WAL_MB = (128 * 1024 * 1024) / 1e6;

export async function benchmarkQuery(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, directory, signal, note } = surroundings;
  const data = join(directory, "data");
  const { events } = await makeQueryLog(join(data, "log"), settings.events, signal);
  note(`a log with ${events.toLocaleString("en")} events`);
  const fold: Cost = await resultOf(
    [...PROJECTOR_FLAGS, "bench/run-fold.ts", data, String(events)],
    surroundings,
  );
  note(`folded, ${Math.round(events / fold.seconds).toLocaleString("en")} events/s`);
  const duckdb: DuckDBResult = await resultOf(
    ["bench/run-query-duckdb.ts", String(settings.events)],
    surroundings,
  );
  if (duckdb.events !== events) throw new Error(`the log has ${events} events, and DuckDB ${duckdb.events}`);
  note("DuckDB was asked");
  const answers = await askDashboards(surroundings, duckdb);
  const load = await askUnderLoad(surroundings, events);
  return [
    { name: "events", value: events, unit: "" },
    { name: "the fold", value: events / fold.seconds, unit: "events/s" },
    { name: "the fold, peak memory", value: fold.peakMb, unit: "MB" },
    ...sizeFigures(data, events),
    ...answerFigures(answers),
    ...loadFigures(load),
  ];
}

async function resultOf<T>(args: readonly string[], surroundings: Surroundings): Promise<T> {
  return JSON.parse(await new NodeProcess(args, surroundings).output());
}

function sizeFigures(data: string, events: number): Figure[] {
  const log = join(data, "log");
  const segments = readdirSync(log).map((name) => join(log, name));
  const perEvent = (name: string, files: readonly string[]) => ({
    name: `an event in the ${name}`,
    value: files.reduce((sum, file) => sum + statSync(file).size, 0) / events,
    unit: "bytes",
  });
  return [perEvent("log", segments), perEvent("read model", [realpathSync(join(data, "analytics.db"))])];
}

function answerFigures({ asked, first }: Answers): Figure[] {
  const figures = VARIANTS.flatMap((variant) => {
    const goal = GOALS[variant];
    return PARTS.flatMap((part) => {
      const those = asked.filter(({ question }) => question.part === part && question.variant === variant);
      const name = `${part}, ${variant}`;
      return [
        {
          ...p99(
            `${name}, cold`,
            those.flatMap(({ cold }) => cold),
          ),
          limit: atMost(goal.cold),
        },
        { ...p99OverRounds(`${name}, repeated`, those), limit: atMost(goal.repeated) },
        p99(
          `${name}, DuckDB`,
          those.flatMap(({ duckdb }) => duckdb),
        ),
      ];
    });
  });
  return [{ name: "the very first answer of a server", unit: "ms", ...overRounds(first) }, ...figures];
}

/** Of all rounds together: the question that a round begins with is the one that is really cold. */
function p99(name: string, times: readonly number[]): Figure {
  return { name: `${name}, p99`, value: percentile(times, 0.99), unit: "ms" };
}

function p99OverRounds(name: string, asked: readonly Asked[]): Figure {
  const rounds = Array.from({ length: asked[0]?.repeated.length ?? 0 }, (_, round) =>
    asked.flatMap(({ repeated }) => repeated[round] ?? []),
  );
  return { name: `${name}, p99`, unit: "ms", ...overRounds(rounds.map((times) => percentile(times, 0.99))) };
}

function loadFigures({ questionMs, rounds, walBytes }: LoadResult): Figure[] {
  const ms = (name: string, values: readonly number[]): Figure => ({
    name,
    unit: "ms",
    ...overRounds(values),
  });
  const asking = `while ${CLIENTS} clients ask`;
  return [
    { name: "a long question, alone", value: questionMs, unit: "ms" },
    { name: `answers ${asking}`, unit: "/s", ...overRounds(rounds.map((round) => round.answersPerSecond)) },
    { name: `refused ${asking}`, value: rounds.reduce((sum, { refused }) => sum + refused, 0), unit: "" },
    ms(
      `an acknowledged event at ${EVENTS_PER_SECOND}/s, p99`,
      rounds.map(({ calmMs }) => calmMs),
    ),
    ms(
      `… ${asking}, p99`,
      rounds.map(({ busyMs }) => busyMs),
    ),
    {
      name: `… ${asking}, beside calm`,
      unit: "x",
      ...overRounds(rounds.map(({ calmMs, busyMs }) => busyMs / calmMs)),
      limit: atMost(GOAL_TIMES_CALM),
    },
    { name: "the largest write-ahead log", value: walBytes / 1e6, unit: "MB", limit: atMost(GOAL_WAL_MB) },
  ];
}

function atMost(value: number): Limit {
  return { kind: "at_most", value };
}
