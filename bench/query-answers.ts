// How long the server takes for the questions of a dashboard, and whether what it says is right.
//
// Cold is the first time that a server answers a question: it was started a second ago, has warmed up, and has answered
// nothing but one question about a small site. The files are in the system's cache. Columns that questions share are cold for
// the first of them only; so each round begins with another question, and each variant is asked of a server of its own.

import { isDeepStrictEqual } from "node:util";
import { pause } from "../src/pause.ts";
import type { Surroundings } from "./benchmark.ts";
import { rowsOf, timeOf } from "./query-client.ts";
import { type Question, questionsOf, smallQuestion, VARIANTS } from "./query-questions.ts";
import type { Row } from "./query-rows.ts";
import type { DuckDBResult } from "./run-query-duckdb.ts";
import { type Server, startServer } from "./server.ts";

/** How often a question is asked in each round when it is not cold any more. */
export const REPEATS = 10;
/** More than a server takes to warm up (src/query/warm-up.ts). */
const WARM_UP_MS = 1000;

/** A question, and how long its answers took, in ms. */
export interface Asked {
  readonly question: Question;
  /** One for each round. */
  readonly cold: number[];
  /** Those of each round. */
  readonly repeated: number[][];
  readonly duckdb: readonly number[];
}

export interface Answers {
  readonly asked: readonly Asked[];
  /** The very first answer of a server, about a small site, in ms. */
  readonly first: readonly number[];
}

/** Asks servers on the data directory "data". Throws when one says something else than DuckDB does. */
export async function askDashboards(surroundings: Surroundings, duckdb: DuckDBResult): Promise<Answers> {
  const { settings, signal, note } = surroundings;
  const asked: Asked[] = [];
  const first: number[] = [];
  for (const variant of VARIANTS) {
    const answers = duckdb.answers[variant];
    const ofVariant = questionsOf(variant).map(
      (question, index): Asked => ({
        ...{ question, cold: [], repeated: [] },
        duckdb: answers[index]?.times ?? [],
      }),
    );
    for (let round = 0; round < settings.rounds; round += 1) {
      const server = await startServer(surroundings, { role: "ingest,report" });
      first.push(await timeOf(server.url, smallQuestion(), signal));
      await pause(WARM_UP_MS, signal);
      await askRound(server, rotated(ofVariant, round), signal);
      if (round === 0)
        await compare(
          server,
          ofVariant,
          answers.map(({ rows }) => rows),
          signal,
        );
      await server.stop();
      note(`${variant}, round ${round + 1} of ${settings.rounds}`);
    }
    asked.push(...ofVariant);
  }
  return { asked, first };
}

async function askRound({ url }: Server, asked: readonly Asked[], signal: AbortSignal): Promise<void> {
  for (const { question, cold } of asked) cold.push(await timeOf(url, question.json, signal));
  const times = asked.map((): number[] => []);
  for (let repeat = 0; repeat < REPEATS; repeat += 1) {
    for (const [index, { question }] of asked.entries()) {
      times[index]?.push(await timeOf(url, question.json, signal));
    }
  }
  for (const [index, { repeated }] of asked.entries()) repeated.push(times[index] ?? []);
}

async function compare(
  { url }: Server,
  asked: readonly Asked[],
  expected: readonly (readonly Row[])[],
  signal: AbortSignal,
): Promise<void> {
  for (const [index, { question }] of asked.entries()) {
    const rows = await rowsOf(url, question.json, signal);
    if (isDeepStrictEqual(rows, expected[index])) continue;
    throw new Error(
      `${question.part} by ${question.dimension}, ${question.variant}: ` +
        `Footfall says ${JSON.stringify(rows)}, DuckDB ${JSON.stringify(expected[index])}`,
    );
  }
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
