// What a request is told that names no type of content that its RPC takes: curl, say, sends a form unless told otherwise.

import type { DescMethod } from "@bufbuild/protobuf";
import { quoted } from "../query/checked.ts";

const UNARY = ["application/json", "application/proto"];
const STREAM = ["application/connect+json", "application/connect+proto"];
/** Of any RPC. */
const GRPC = ["application/grpc", "application/grpc-web"];

/** The types that `method` takes, as in the header Accept-Post. */
export function typesOf({ methodKind }: DescMethod): string {
  return [...(methodKind === "unary" ? UNARY : STREAM), ...GRPC].join(", ");
}

/** What is wrong with a request to `method` by the HTTP method `verb`, with this Content-Type, if it has one. */
export function unsupportedType(method: DescMethod, verb: string, contentType: string | null): string {
  if (verb === "GET") return "Missing or unknown query parameter: encoding must be json or proto";
  const wrong = contentType === null ? "Content-Type is missing" : `Content-Type is ${quoted(contentType)}`;
  return `${wrong}; ${method.name} takes one of ${typesOf(method)}`;
}
