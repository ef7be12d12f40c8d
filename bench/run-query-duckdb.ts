// A process: DuckDB, in memory, is asked what Footfall is asked. Argument: about how many events there are.

import { DuckDBInstance } from "@duckdb/node-api";
import { runOnce } from "./one-shot.ts";
import { REPEATS } from "./query-answers.ts";
import { questionsOf, VARIANTS, type Variant } from "./query-questions.ts";
import type { Row } from "./query-rows.ts";
import { makeQueryTable } from "./query-table.ts";

export interface DuckDBResult {
  readonly events: number;
  /** Of the questions of each variant, in order. */
  readonly answers: Readonly<Record<Variant, readonly DuckDBAnswer[]>>;
}

export interface DuckDBAnswer {
  readonly rows: readonly Row[];
  /** The first time is not among them. */
  readonly times: readonly number[];
}

const THREADS = "2";
const MEMORY = "6GB";

await runOnce(async (count): Promise<DuckDBResult> => {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: THREADS,
    memory_limit: MEMORY,
    // It is to fail when that is not enough, and not to be slow.
    temp_directory: "",
  });
  const connection = await instance.connect();
  const events = await makeQueryTable(connection, Number(count));
  const ask = async (sql: string): Promise<DuckDBAnswer> => {
    let rows = await rowsOf(sql);
    const times: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      const before = performance.now();
      rows = await rowsOf(sql);
      times.push(performance.now() - before);
    }
    return { rows, times };
  };
  const rowsOf = async (sql: string): Promise<Row[]> =>
    (await connection.runAndReadAll(sql))
      .getRowsJS()
      .map(([label, ...metrics]) => [String(label), ...metrics.map(Number)]);
  const answersTo = async (variant: Variant) => {
    const answers: DuckDBAnswer[] = [];
    for (const { sql } of questionsOf(variant)) answers.push(await ask(sql));
    return answers;
  };
  const [first, second, third] = VARIANTS;
  const answers = {
    [first]: await answersTo(first),
    [second]: await answersTo(second),
    [third]: await answersTo(third),
  };
  connection.closeSync();
  instance.closeSync();
  return { events, answers };
});
