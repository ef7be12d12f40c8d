// The oracle: what the answer to a question should be. DuckDB finds it, in memory, from the events as they were recorded.
// It is slow and simple, and shares no code with the engine.

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import type { Answer } from "../../../src/query/plan.ts";
import { type OraclePlan, queryOf } from "./question.ts";
import { type ExportedEvent, makeTables } from "./tables.ts";

/** `ms` is a time in ms since 1970-01-01T00:00:00Z. */
const MACROS = `
CREATE MACRO local_time(ms, zone) AS timezone(zone, make_timestamptz(ms * 1000));
CREATE MACRO offset_minutes(ms, zone) AS (epoch_ms(local_time(ms, zone)) - ms) // 60000;
CREATE MACRO offset_text(ms, zone) AS
  format('{}{:02d}:{:02d}',
    CASE WHEN offset_minutes(ms, zone) < 0 THEN '-' ELSE '+' END,
    abs(offset_minutes(ms, zone)) // 60,
    abs(offset_minutes(ms, zone)) % 60);`;

export class Oracle {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  /** An oracle that knows `events`: those of a log, in any order. It is to be closed. */
  static async open(events: readonly ExportedEvent[]): Promise<Oracle> {
    // The tables are small: more threads would only get in each other's way.
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await instance.connect();
    await connection.run(MACROS);
    await makeTables(connection, events);
    return new Oracle(instance, connection);
  }

  /** The answer to `plan`. */
  async answer(plan: OraclePlan): Promise<Answer> {
    const { sql, values } = queryOf(plan);
    const table = (await this.#connection.runAndReadAll(sql, values)).getRowsJS();
    const metricsEnd = plan.dimensions.length + plan.metrics.length;
    const rows = table.map((row) => ({
      dimensions: row.slice(0, plan.dimensions.length).map(textOf),
      metrics: row.slice(plan.dimensions.length, metricsEnd).map(numberOf),
      compared: row.slice(metricsEnd).map(numberOf),
    }));
    return { rows: rows.slice(plan.offset, plan.offset + plan.limit), rowCount: rows.length };
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`DuckDB gave ${value} where a text was to be`);
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`DuckDB gave ${value} where a number was to be`);
  return value;
}
