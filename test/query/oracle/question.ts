// A question as one SQL query over the table `events` (tables.ts).
//
// For each period, the one asked for and the one compared with:
//
//   looked_<n>  the events that are looked at, with their dimensions and the label of their time bucket
//   groups_<n>  the metrics of each group
//   places_<n>  each bucket of the period by its place, with or without events: the labels of the instants at short steps.
//               Without a time dimension there is one bucket, labelled ''.
//   rows_<n>    the groups by the place of their bucket. Without a dimension of texts also the empty buckets.
//
// The rows are those of the first period, beside them those of the second in the same place with the same texts.

import type { DuckDBValue } from "@duckdb/node-api";
import type { Condition, Filter } from "../../../gen/ts/analytics/v1/query_pb.ts";
import type { Metric, OrderKey, Period, Plan, TextDimension, TimeUnit } from "../../../src/query/plan.ts";

/** A plan with its filters as they were asked. */
export type OraclePlan = Omit<Plan, "filter" | "goal"> & {
  readonly filter: Filter | undefined;
  readonly goal: Filter | undefined;
};

interface Query {
  /** Its columns: the dimensions, the metrics, and the compared metrics if there are any. */
  readonly sql: string;
  readonly values: DuckDBValue[];
}

/** Since 1986 each zone has changed its offset at multiples of this. */
const STEP_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
const METRIC_SQL: Record<Exclude<Metric, "revenue">, string> = {
  visitors: "count(DISTINCT visitor)",
  visits: "count(DISTINCT visit)",
  pageviews: "count(*) FILTER (event_type = 'page_view')",
  events: "count(*)",
  views_per_visit: "count(*) FILTER (event_type = 'page_view') / nullif(count(DISTINCT visit), 0)",
  bounce_rate: "count(DISTINCT visit) FILTER (bounced) / nullif(count(DISTINCT visit), 0)",
  visit_duration: `list_sum(list_transform(
    list(DISTINCT {visit: visit, ms: duration_ms}) FILTER (visit IS NOT NULL), lambda one: one.ms
  )) / nullif(1000 * count(DISTINCT visit), 0)`,
  conversion_rate: "count(DISTINCT visitor) FILTER (converts) / nullif(count(DISTINCT visitor), 0)",
};

/** The query that answers `plan`, with all rows in order, before limit and offset. */
export function queryOf(plan: OraclePlan): Query {
  const question = new Question(plan);
  return { sql: question.sql(), values: question.values };
}

class Question {
  readonly values: DuckDBValue[] = [];
  readonly #plan: OraclePlan;
  readonly #unit: TimeUnit | undefined;
  /** The dimensions of texts as columns d0, d1, …, by their place among all dimensions. */
  readonly #texts: readonly string[];
  readonly #metrics: readonly string[];

  constructor(plan: OraclePlan) {
    this.#plan = plan;
    this.#unit = plan.dimensions.find((dimension) => dimension.kind === "time")?.unit;
    this.#texts = plan.dimensions.flatMap(({ kind }, index) => (kind === "time" ? [] : [`d${index}`]));
    this.#metrics = plan.metrics.map((_, index) => `m${index}`);
  }

  sql(): string {
    const { dimensions, period, compared, order } = this.#plan;
    const ctes = this.#rows(0, period);
    const columns = [
      ...dimensions.map(({ kind }, index) => `a.${kind === "time" ? "label" : `d${index}`}`),
      ...this.#metrics.map((metric) => `a.${metric}`),
    ];
    let from = "rows_0 a";
    if (compared) {
      ctes.push(...this.#rows(1, compared));
      columns.push(...this.#metrics.map((metric) => `coalesce(b.${metric}, 0)`));
      const isSame = ["place", ...this.#texts].map((column) => `a.${column} = b.${column}`).join(" AND ");
      from += ` LEFT JOIN rows_1 b ON ${isSame}`;
    }
    const orderBy = order.map((key) => this.#orderOf(key)).join(", ");
    return `WITH ${ctes.join(",\n")}\nSELECT ${columns.join(", ")}\nFROM ${from}${orderBy && ` ORDER BY ${orderBy}`}`;
  }

  /** Of all CTEs of the `nth` period, the last one is rows_<n>. */
  #rows(nth: number, period: Period): string[] {
    const keys = ["label", ...this.#texts];
    const metrics = this.#plan.metrics.map(
      (metric, index) => `coalesce(${this.#metricSql(metric)}, 0)::DOUBLE AS m${index}`,
    );
    const zeros = this.#metrics.map((metric) => `coalesce(${metric}, 0) AS ${metric}`);
    return [
      `looked_${nth} AS (${this.#looked(period)})`,
      `groups_${nth} AS (SELECT ${[...keys, ...metrics].join(", ")} FROM looked_${nth} GROUP BY ${keys.join(", ")})`,
      `places_${nth} AS (${this.#places(nth, period)})`,
      `rows_${nth} AS (SELECT ${["place", ...keys, ...zeros].join(", ")}
        FROM places_${nth} ${this.#texts.length === 0 ? "LEFT JOIN" : "RIGHT JOIN"} groups_${nth} USING (label))`,
    ];
  }

  #looked({ fromMs, toMs }: Period): string {
    const { siteId, includeBots, dimensions, filter, goal } = this.#plan;
    const conditions = [`site = ${this.#text(siteId)}`];
    if (Number.isFinite(fromMs)) conditions.push(`at_ms >= ${this.#integer(fromMs)}`);
    if (Number.isFinite(toMs)) conditions.push(`at_ms < ${this.#integer(toMs)}`);
    if (!includeBots) conditions.push("NOT is_bot");
    if (filter) conditions.push(this.#filterSql(filter));
    const columns = [
      `${this.#label()} AS label`,
      ...dimensions.flatMap((dimension, index) =>
        dimension.kind === "time" ? [] : [`${this.#valueSql(dimension)} AS d${index}`],
      ),
      ...(goal ? [`${this.#filterSql(goal)} AS converts`] : []),
    ];
    return `SELECT events.*, ${columns.join(", ")} FROM events WHERE ${conditions.join(" AND ")}`;
  }

  #places(nth: number, { fromMs, toMs }: Period): string {
    if (this.#unit === undefined) return "SELECT '' AS label, 1 AS place";
    const first = Number.isFinite(fromMs) ? this.#integer(fromMs) : "NULL";
    const end = Number.isFinite(toMs) ? this.#integer(toMs) : "NULL";
    const step = this.#unit === "minute" ? MINUTE_MS : STEP_MS;
    return `SELECT label, row_number() OVER (ORDER BY min(at_ms)) AS place
      FROM (
        SELECT at_ms, ${this.#label()} AS label
        FROM (
          SELECT greatest(first, unnest(range(first - first % ${step}, "end", ${step}))) AS at_ms
          FROM (SELECT coalesce(${first}, min(at_ms)) AS first, coalesce(${end}, max(at_ms) + 1) AS "end" FROM looked_${nth})
        )
      )
      GROUP BY label`;
  }

  /** The label of the bucket of `at_ms`. Minutes and hours are those of the local clock, and have its offset at that time. */
  #label(): string {
    if (this.#unit === undefined) return "''";
    const zone = this.#text(this.#plan.timeZone);
    const began = `date_trunc('${this.#unit}', local_time(at_ms, ${zone}))`;
    if (this.#unit !== "minute" && this.#unit !== "hour") return `strftime(${began}, '%Y-%m-%d')`;
    return `strftime(${began}, '%Y-%m-%dT%H:%M:%S') || offset_text(at_ms, ${zone})`;
  }

  #metricSql(metric: Metric): string {
    if (metric !== "revenue") return METRIC_SQL[metric];
    const { currency } = this.#plan;
    if (currency === undefined) throw new Error("a plan with revenue must have a currency");
    return `(sum(revenue_micros) FILTER (currency = ${this.#text(currency)}))::DOUBLE / 1e6`;
  }

  #orderOf({ by, index, descending }: OrderKey): string {
    const isTime = by === "dimension" && this.#plan.dimensions[index]?.kind === "time";
    const column = isTime ? "place" : `${by === "metric" ? "m" : "d"}${index}`;
    return `a.${column} ${descending ? "DESC" : "ASC"}`;
  }

  #valueSql(dimension: TextDimension): string {
    if (dimension.kind !== "prop") return dimension.name;
    return `coalesce(props[${this.#text(dimension.key)}], '')`;
  }

  #filterSql({ kind }: Filter): string {
    switch (kind.case) {
      case "condition":
        return this.#conditionSql(kind.value);
      case "and":
        return `(${kind.value.filters.map((filter) => this.#filterSql(filter)).join(" AND ")})`;
      case "or":
        return `(${kind.value.filters.map((filter) => this.#filterSql(filter)).join(" OR ")})`;
      case "not":
        return `(NOT ${this.#filterSql(kind.value)})`;
      case undefined:
        throw new Error("a filter must have a kind");
    }
  }

  #conditionSql({ dimension, operator, values }: Condition): string {
    const value = this.#columnSql(dimension);
    const texts = values.map((text) => this.#text(text));
    const anyOf = (name: string) => `(${texts.map((text) => `${name}(${value}, ${text})`).join(" OR ")})`;
    switch (operator) {
      case "is":
        return `(${value} IN (${texts.join(", ")}))`;
      case "is_not":
        return `(${value} NOT IN (${texts.join(", ")}))`;
      case "contains":
      case "starts_with":
        return anyOf(operator);
      case "matches":
        return anyOf("regexp_matches");
      default:
        throw new Error(`unknown operator ${operator}`);
    }
  }

  /** The value of a dimension as a filter names it. */
  #columnSql(name: string): string {
    const key = name.startsWith("props.") ? name.slice("props.".length) : undefined;
    return key === undefined ? `"${name}"` : this.#valueSql({ kind: "prop", key });
  }

  #text(value: string): string {
    return `$${this.values.push(value)}::VARCHAR`;
  }

  #integer(value: number): string {
    return `$${this.values.push(BigInt(value))}::BIGINT`;
  }
}
