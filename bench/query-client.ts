// Asks the server, as Connect JSON. Whoever asks one question after the other does it over one connection.

import { fromJsonString } from "@bufbuild/protobuf";
import { AnalyticsService } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { QueryStatsResponseSchema } from "../gen/ts/analytics/v1/query_pb.ts";
import type { Row } from "./query-rows.ts";

const PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.queryStats.name}`;

interface Reply {
  readonly status: number;
  readonly body: string;
  /** From the question to the last byte of the answer. */
  readonly ms: number;
}

/** `json` is a QueryStatsRequest. */
export async function ask(url: string, json: string, signal: AbortSignal): Promise<Reply> {
  const before = performance.now();
  const headers = { "content-type": "application/json" };
  const response = await fetch(url + PATH, { method: "POST", headers, body: json, signal });
  const body = await response.text();
  return { status: response.status, body, ms: performance.now() - before };
}

/** How long the answer took. Throws when there is none. */
export async function timeOf(url: string, json: string, signal: AbortSignal): Promise<number> {
  return answered(await ask(url, json, signal), json).ms;
}

/** The rows of the answer that count anything. Throws when there is no answer. */
export async function rowsOf(url: string, json: string, signal: AbortSignal): Promise<Row[]> {
  const { body } = answered(await ask(url, json, signal), json);
  const { rows } = fromJsonString(QueryStatsResponseSchema, body);
  return rows
    .filter(({ metrics }) => metrics.some((metric) => metric !== 0))
    .map(({ dimensions: [text = ""], metrics }) => [text, ...metrics]);
}

function answered(reply: Reply, json: string): Reply {
  if (reply.status !== 200) throw new Error(`QueryStats answers ${reply.status} to ${json}: ${reply.body}`);
  return reply;
}
