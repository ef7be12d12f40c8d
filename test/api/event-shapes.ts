// Single events in the five shapes that clients send them in over HTTP/2: their heads, their bodies, and what the answer
// to a good one is.

import { create, toBinary } from "@bufbuild/protobuf";
import { IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { HeaderField } from "../../src/http2/hpack.ts";

const RPC_PATH = "/analytics.v1.AnalyticsService/IngestEvent";

export interface EventShape {
  readonly name: string;
  readonly path: string;
  readonly contentType: string;
  /** The body with an event that has this id. */
  readonly body: (eventId: string, path?: string) => Buffer;
}

function proto(eventId: string, path = "/a"): Buffer {
  const event = create(IngestEventRequestSchema, { siteId: "s", eventType: "view", eventId, path });
  return Buffer.from(toBinary(IngestEventRequestSchema, event));
}

/** A message of gRPC, uncompressed. */
function envelope(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export const REST: EventShape = {
  name: "REST",
  path: "/event",
  contentType: "application/json",
  body: (event_id, path = "/a") =>
    Buffer.from(JSON.stringify({ site_id: "s", event_type: "view", event_id, path })),
};
const GRPC: EventShape = {
  name: "gRPC",
  path: RPC_PATH,
  contentType: "application/grpc",
  body: (eventId, path) => envelope(proto(eventId, path)),
};
export const SHAPES: readonly EventShape[] = [
  REST,
  {
    name: "Connect JSON",
    path: RPC_PATH,
    contentType: "application/json",
    body: (eventId, path = "/a") =>
      Buffer.from(JSON.stringify({ siteId: "s", eventType: "view", eventId, path })),
  },
  { name: "Connect proto", path: RPC_PATH, contentType: "application/proto", body: proto },
  GRPC,
  {
    name: "gRPC-Web",
    path: RPC_PATH,
    contentType: "application/grpc-web+proto",
    body: (eventId, path) => envelope(proto(eventId, path)),
  },
];

/** A list of header fields from their names and values. */
export function fieldsOf(record: Readonly<Record<string, string>>): HeaderField[] {
  return Object.entries(record).map(([name, value]) => ({ name, value }));
}

/** The head of a request for an event. */
export function headOf(
  { path, contentType }: Pick<EventShape, "path" | "contentType">,
  more: Readonly<Record<string, string>> = {},
): HeaderField[] {
  const pseudo = { ":method": "POST", ":scheme": "http", ":authority": "x", ":path": path };
  return fieldsOf({ ...pseudo, "content-type": contentType, ...more });
}

/** The head of a GET request. */
export function getOf(path: string): HeaderField[] {
  return fieldsOf({ ":method": "GET", ":scheme": "http", ":authority": "x", ":path": path });
}
