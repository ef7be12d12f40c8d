// `footfall stats`: asks a running server about a site, and prints its answers for people or for programs.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { isDate } from "../ingest/timestamp.ts";
import { CliError } from "./cli-error.ts";
import { askReport, reportJson, type StatsQuestion } from "./stats-report.ts";
import { reportText } from "./stats-text.ts";

/** As many as an answer of QueryStats may have. */
const MAX_ROWS = 10_000;

export interface StatsOptions {
  readonly url: string;
  readonly site: string;
  /** As QueryStatsRequest has them. */
  readonly range?: string;
  readonly from?: string;
  readonly to?: string;
  readonly timeZone?: string;
  /** One UTC day, YYYY-MM-DD, instead of them. */
  readonly date?: string;
  /** How many rows a table has at most. */
  readonly limit: number;
  readonly includeBots: boolean;
  readonly json: boolean;
}

/** Resolves to the text to print; rejects with a CliError. */
export async function statsText(options: StatsOptions): Promise<string> {
  const question = questionOf(options);
  const { url, limit, json } = options;
  const client = createClient(AnalyticsService, createConnectTransport({ baseUrl: url, httpVersion: "1.1" }));
  try {
    const report = await askReport(client, question, limit);
    return json ? reportJson(report) : reportText(report);
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    const hint = code === Code.Unavailable ? "; is the server running? --url names it" : "";
    throw new CliError(`${url}: ${rawMessage}${hint}`, { cause: error });
  }
}

function questionOf(options: StatsOptions): StatsQuestion {
  const { site: siteId, includeBots, date, limit } = options;
  if (limit < 1 || limit > MAX_ROWS) {
    throw new CliError(`--limit must be 1 to ${MAX_ROWS}, and is ${limit}`);
  }
  const { range = "", from = "", to = "", timeZone = "" } = options;
  if (date === undefined) return { siteId, includeBots, range, from, to, timeZone };
  if (!isDate(date)) throw new CliError(`--date must be a day, such as 2025-11-12, and is ${date}`);
  return { siteId, includeBots, range: "", from: date, to: date, timeZone: "UTC" };
}
