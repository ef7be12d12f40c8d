// The answers of connect-node to requests that it refuses before any handler of ours sees them, with words that say what
// to do. Its interceptors see no such request, so the answers are changed on their way out.
//
// Only unary answers of the Connect protocol are, which people read who write requests by hand. Clients of gRPC are
// generated, and have no field to misspell.

import { text } from "node:stream/consumers";
import { createAsyncIterable, type UniversalServerResponse } from "@connectrpc/connect/protocol";
import { helpfulReason } from "./helpful-reason.ts";

/** `response` to a request for `method`, with a better message when it has a poor one. */
export async function helpfulAnswer(
  response: UniversalServerResponse,
  method: string,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  const isPlain = header?.get("content-type") === "application/json" && !header.has("content-encoding");
  if (status === 200 || !body || !isPlain) return response;
  const error: { readonly message?: string } = JSON.parse(await text(body));
  return withError(response, { ...error, message: helpfulReason(error.message ?? "", method) });
}

function withError(response: UniversalServerResponse, error: object): UniversalServerResponse {
  const bytes = Buffer.from(JSON.stringify(error));
  const header = new Headers(response.header);
  header.set("content-length", String(bytes.byteLength));
  return { ...response, header, body: createAsyncIterable([bytes]) };
}
