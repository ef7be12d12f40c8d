// What `footfall stats` shows, asked of a server: the totals of a site, its most frequent values of each dimension, its goals.

import type { Client } from "@connectrpc/connect";
import type { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { QueryStatsResponse } from "../../gen/ts/analytics/v1/query_pb.ts";

/** In their order: what is shown of all events together. */
const TOTALS = [
  "visitors",
  "visits",
  "pageviews",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
] as const;

/** In their order: what is shown for each value of a dimension, and counted by. */
const TABLES = [
  { dimension: "path", metric: "pageviews" },
  { dimension: "entry_page", metric: "visitors" },
  { dimension: "source", metric: "visitors" },
  { dimension: "channel", metric: "visitors" },
  { dimension: "browser", metric: "visitors" },
  { dimension: "os", metric: "visitors" },
  { dimension: "device", metric: "visitors" },
  { dimension: "country", metric: "visitors" },
] as const;
type Table = (typeof TABLES)[number];

/** Far more than an answer takes, in ms: the server's own time limit comes first. */
const TIMEOUT_MS = 30_000;
const CALL = { timeoutMs: TIMEOUT_MS };

/** Which events are looked at, as QueryStatsRequest has it. */
export interface StatsQuestion {
  readonly siteId: string;
  readonly range: string;
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly includeBots: boolean;
}

/** A value of a dimension with its count. */
export type TableRow = readonly [value: string, count: number];

export interface StatsReport {
  readonly siteId: string;
  /** Empty when it has none. */
  readonly name: string;
  readonly timeZone: string;
  /** As QueryStatsResponse has them. */
  readonly from: string;
  readonly to: string;
  readonly events: number;
  readonly totals: Readonly<Record<(typeof TOTALS)[number], number>>;
  readonly bots: { readonly pageviews: number; readonly areIncluded: boolean };
  /** The first rows of each table; none where nothing is known of the dimension. */
  readonly tables: ReadonlyMap<Table["dimension"], readonly TableRow[]>;
  readonly goals: readonly GoalReport[];
}

interface GoalReport {
  readonly name: string;
  /** How many visitors reached it. */
  readonly visitors: number;
  /** 0 to 1, as QueryStats has it. */
  readonly conversionRate: number;
}

/** Asks for a report whose tables have at most `limit` rows. Rejects with a ConnectError. */
export async function askReport(
  client: Client<typeof AnalyticsService>,
  question: StatsQuestion,
  limit: number,
): Promise<StatsReport> {
  const { siteId, includeBots } = question;
  const [site, all, otherViews, ...tables] = await Promise.all([
    client.getSite({ siteId }, CALL),
    client.queryStats({ ...question, metrics: ["events", ...TOTALS] }, CALL),
    client.queryStats({ ...question, includeBots: !includeBots, metrics: ["pageviews"] }, CALL),
    ...TABLES.map(async ({ dimension, metric }) => {
      const asked = { ...question, metrics: [metric], dimensions: [dimension], limit };
      return [dimension, knownRows(await client.queryStats(asked, CALL))] as const;
    }),
  ]);
  const goals: GoalReport[] = [];
  // One after the other: a site may have more of them than a server lets wait.
  for (const { name } of site.goals) goals.push(await askGoal(client, question, name));
  const { name } = site;
  const { from, to, timeZone } = all;
  const [events = 0, ...values] = all.rows[0]?.metrics ?? [];
  const [visitors = 0, visits = 0, pageviews = 0, views_per_visit = 0, bounce_rate = 0, visit_duration = 0] =
    values;
  // Events that came in between the two questions are not to make it negative.
  const moreViews = (otherViews.rows[0]?.metrics[0] ?? 0) - pageviews;
  const ofBots = Math.max(0, includeBots ? -moreViews : moreViews);
  return {
    ...{ siteId, name, timeZone, from, to, events, goals },
    totals: { visitors, visits, pageviews, views_per_visit, bounce_rate, visit_duration },
    bots: { pageviews: ofBots, areIncluded: includeBots },
    tables: new Map(tables),
  };
}

async function askGoal(
  client: Client<typeof AnalyticsService>,
  question: StatsQuestion,
  name: string,
): Promise<GoalReport> {
  const metrics = ["visitors", "conversion_rate"];
  const { rows } = await client.queryStats({ ...question, metrics, goal: name }, CALL);
  const [visitors = 0, conversionRate = 0] = rows[0]?.metrics ?? [];
  return { name, visitors: Math.round(visitors * conversionRate), conversionRate };
}

/** The rows that count anything; none when all that is known of the dimension is that events lack it. */
function knownRows({ rows, rowCount }: QueryStatsResponse): readonly TableRow[] {
  const counted = rows
    .map(({ dimensions, metrics }): TableRow => [dimensions[0] ?? "", metrics[0] ?? 0])
    .filter(([, count]) => count > 0);
  const isKnown = counted.some(([value]) => value !== "") || rowCount > rows.length;
  return isKnown ? counted : [];
}

/** The report for programs: one line of JSON. Names of metrics and dimensions are those of QueryStats. */
export function reportJson(report: StatsReport): string {
  const { siteId, name, timeZone, from, to, events, totals, bots, tables, goals } = report;
  const rows = TABLES.map(({ dimension, metric }) => [
    dimension,
    (tables.get(dimension) ?? []).map(([value, count]) => ({ [dimension]: value, [metric]: count })),
  ]);
  const json = {
    ...{ site_id: siteId, name, time_zone: timeZone, from, to },
    totals: { events, ...totals },
    bots: { pageviews: bots.pageviews, included: bots.areIncluded },
    top: Object.fromEntries(rows),
    goals: goals.map(({ name, visitors, conversionRate }) => ({
      ...{ name, visitors, conversion_rate: conversionRate },
    })),
  };
  return `${JSON.stringify(json)}\n`;
}
