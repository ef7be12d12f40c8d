// Questions to a real server as curl would ask them: JSON by Connect, without a client that knows the schema.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";

export type EventInit = MessageInitShape<typeof IngestEventRequestSchema>;

/** A question, or another request, as JSON. */
export type Json = Readonly<Record<string, unknown>>;

export interface Reply {
  readonly status: number;
  /** Connect's name of an error's code; empty when it is none. */
  readonly code: string;
  readonly message: string;
  readonly body: string;
}

export const SERVICE = "/analytics.v1.AnalyticsService";

/** Calls an RPC with JSON, or with the bytes of any other content type. */
export async function call(
  url: string,
  rpc: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const response = await fetch(`${url}${SERVICE}/${rpc}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body,
  });
  const text = await response.text();
  return { status: response.status, body: text, ...errorIn(response.ok, text) };
}

function errorIn(isOk: boolean, body: string): Pick<Reply, "code" | "message"> {
  const none = { code: "", message: "" };
  return isOk ? none : { ...none, ...JSON.parse(body) };
}

/** Asks QueryStats. */
export function ask(url: string, question: Json, headers: Readonly<Record<string, string>> = {}) {
  return call(url, "QueryStats", JSON.stringify(question), headers);
}
