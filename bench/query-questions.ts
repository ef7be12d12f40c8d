// The questions of a dashboard about the largest site, each as Footfall and as DuckDB are asked it.

import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { QueryStatsRequestSchema } from "../gen/ts/analytics/v1/query_pb.ts";
import { EVENT_DIMENSIONS, VISIT_DIMENSIONS } from "../src/query/plan.ts";
import { END_MS } from "./query-events.ts";
import { countryText, siteId } from "./query-vocabulary.ts";

export const VARIANTS = ["views and visits", "with visitors", "with two filters"] as const;
export type Variant = (typeof VARIANTS)[number];

export const PARTS = ["30 days by day", "12 months by month", "top 10, 30 days"] as const;
type Part = (typeof PARTS)[number];

export interface Question {
  readonly part: Part;
  readonly variant: Variant;
  readonly dimension: string;
  /** A QueryStatsRequest as JSON. */
  readonly json: string;
  /** Its rows have the text of the dimension, then the metrics. */
  readonly sql: string;
}

type Metric = "visits" | "pageviews" | "visitors";

const SITE = siteId(0);
const DAY_MS = 86_400_000;
const LAST_DAY = dayText(END_MS - DAY_MS);
const FIRST_OF_30_DAYS = dayText(END_MS - 30 * DAY_MS);
const MONTHS = 12;
const TOP = 10;

const METRIC_SQL: Readonly<Record<Metric, string>> = {
  visits: "count(DISTINCT visit)",
  pageviews: "count(*) FILTER (event_type = 'page_view')",
  visitors: "count(DISTINCT visitor)",
};
const PATH_START = "/articles/1";
const COUNTRY = countryText(0);

/** All questions of a variant. */
export function questionsOf(variant: Variant): Question[] {
  const tops = [...EVENT_DIMENSIONS, ...VISIT_DIMENSIONS, "props.plan"];
  return [
    question(variant, "30 days by day", "time:day"),
    question(variant, "12 months by month", "time:month"),
    ...tops.map((dimension) => question(variant, "top 10, 30 days", dimension)),
  ];
}

/** Questions that take long, each longer than the one before it, as JSON: of more and more months, by four dimensions. */
export function longQuestions(): string[] {
  return Array.from({ length: MONTHS }, (_, index) =>
    jsonOf({
      siteId: SITE,
      metrics: ["visitors", "visits", "pageviews", "visit_duration"],
      dimensions: ["path", "browser", "os", "country"],
      ...{ from: firstOfMonths(index + 1), to: LAST_DAY, timeZone: "UTC" },
      limit: TOP,
    }),
  );
}

/** A question about a site that has few events. */
export function smallQuestion(): string {
  return jsonOf({ siteId: siteId(49), metrics: ["visits"], range: "all", timeZone: "UTC" });
}

function question(variant: Variant, part: Part, dimension: string): Question {
  const metrics: readonly Metric[] =
    variant === "views and visits" ? ["visits", "pageviews"] : ["visits", "pageviews", "visitors"];
  const from = part === "12 months by month" ? firstOfMonths(MONTHS) : FIRST_OF_30_DAYS;
  const isFiltered = variant === "with two filters";
  const json = jsonOf({
    siteId: SITE,
    metrics: [...metrics],
    dimensions: [dimension],
    ...{ from, to: LAST_DAY, timeZone: "UTC" },
    ...(isFiltered && { filter: twoFilters() }),
    limit: part === "top 10, 30 days" ? TOP : 0,
  });
  return { part, variant, dimension, json, sql: sqlOf(dimension, metrics, from, isFiltered) };
}

function sqlOf(dimension: string, metrics: readonly Metric[], from: string, isFiltered: boolean): string {
  const unit = /^time:(.*)/.exec(dimension)?.[1];
  const value = unit === undefined ? columnOf(dimension) : `date_trunc('${unit}', moment)`;
  const label = unit === undefined ? "value::VARCHAR" : "strftime(value, '%Y-%m-%d')";
  const filters = isFiltered
    ? `AND country = '${COUNTRY}' AND starts_with(path::VARCHAR, '${PATH_START}')`
    : "";
  return `
    SELECT ${label} AS label, ${metrics.map((metric) => `${metric}::DOUBLE`).join(", ")}
    FROM (
      SELECT ${value} AS value, ${metrics.map((metric) => `${METRIC_SQL[metric]} AS ${metric}`).join(", ")}
      FROM events
      WHERE site = '${SITE}' AND moment >= '${from}' AND moment < '${dayText(END_MS)}' AND NOT is_bot ${filters}
      GROUP BY value
    )
    ORDER BY ${unit === undefined ? `visits DESC, label LIMIT ${TOP}` : "value"}`;
}

/** The column of a dimension in DuckDB's table. */
export function columnOf(dimension: string): string {
  return dimension.replace(".", "_");
}

function twoFilters(): NonNullable<MessageInitShape<typeof QueryStatsRequestSchema>["filter"]> {
  const condition = (dimension: string, operator: string, value: string) => ({
    kind: { case: "condition" as const, value: { dimension, operator, values: [value] } },
  });
  const filters = [condition("country", "is", COUNTRY), condition("path", "starts_with", PATH_START)];
  return { kind: { case: "and", value: { filters } } };
}

function jsonOf(request: MessageInitShape<typeof QueryStatsRequestSchema>): string {
  return toJsonString(QueryStatsRequestSchema, create(QueryStatsRequestSchema, request));
}

/** The first day of the last `months` months. */
function firstOfMonths(months: number): string {
  const end = new Date(END_MS);
  return dayText(Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - months, 1));
}

/** The UTC date, as YYYY-MM-DD. */
function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
