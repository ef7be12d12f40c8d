// The answers of connect-node to requests that it refuses before any handler of ours sees them, with words that say what
// to do. Its interceptors see no such request, so the answers are changed on their way out.
//
// Answers by gRPC stay as they are. People who write requests by hand read those of the Connect protocol; clients of gRPC are
// generated, and have no field to misspell.

import { text } from "node:stream/consumers";
import type { DescMethod } from "@bufbuild/protobuf";
import {
  createAsyncIterable,
  type UniversalServerRequest,
  type UniversalServerResponse,
} from "@connectrpc/connect/protocol";
import { helpfulReason } from "./helpful-reason.ts";
import { typesOf, unsupportedType } from "./unsupported-type.ts";

/** `response` to a request for `method`, with a better message when it has a poor one, or none. */
export async function helpfulAnswer(
  response: UniversalServerResponse,
  method: DescMethod,
  request: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  if (status === 415 && !body) {
    const message = unsupportedType(method, request.method, request.header.get("content-type"));
    const accepted = new Headers({ "accept-post": typesOf(method) });
    return withError({ status, header: accepted }, { code: "invalid_argument", message });
  }
  const isPlain = header?.get("content-type") === "application/json" && !header.has("content-encoding");
  if (status === 200 || !body || !isPlain) return response;
  const error: { readonly message?: string } = JSON.parse(await text(body));
  return withError(response, { ...error, message: helpfulReason(error.message ?? "", method.name) });
}

function withError(response: UniversalServerResponse, error: object): UniversalServerResponse {
  const bytes = Buffer.from(JSON.stringify(error));
  const header = new Headers(response.header);
  header.set("content-type", "application/json");
  header.set("content-length", String(bytes.byteLength));
  return { ...response, header, body: createAsyncIterable([bytes]) };
}
