// `footfall stats`: asks a running server, and prints its answer as a small table.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AnalyticsService, type GetStatsResponse } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { CliError } from "./cli-error.ts";

/** Far more than an answer takes, in ms. */
const TIMEOUT_MS = 10_000;

export interface StatsOptions {
  readonly url: string;
  readonly site: string;
  readonly date?: string;
  readonly limit?: number;
}

/** Resolves to the text to print; rejects with a CliError. */
export async function statsText(options: StatsOptions): Promise<string> {
  const transport = createConnectTransport({ baseUrl: options.url, httpVersion: "1.1" });
  const client = createClient(AnalyticsService, transport);
  const { date, limit } = options;
  const question = {
    siteId: options.site,
    ...(date !== undefined && { date }),
    ...(limit !== undefined && { limit }),
  };
  try {
    return formatStats(await client.getStats(question, { timeoutMs: TIMEOUT_MS }));
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    const hint = code === Code.Unavailable ? "; is the server running? --url names it" : "";
    throw new CliError(`${options.url}: ${rawMessage}${hint}`, { cause: error });
  }
}

function formatStats(stats: GetStatsResponse): string {
  const lines = [
    `site          ${stats.siteId}`,
    `date          ${stats.date ?? "all time"}`,
    `views         ${stats.totalViews}`,
    `unique users  ${stats.uniqueUsers}`,
  ];
  const width = Math.max(0, ...stats.topPaths.map(({ views }) => String(views).length));
  if (stats.topPaths.length > 0) lines.push("", "views by path");
  for (const { path, views } of stats.topPaths) lines.push(`  ${String(views).padStart(width)}  ${path}`);
  return `${lines.join("\n")}\n`;
}
