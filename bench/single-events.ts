// One event as a request of each kind. It has no event_id: sent again, it is an event of its own.

import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { AnalyticsService, IngestEventRequestSchema } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { enveloped } from "./envelope.ts";
import type { LoadRequest } from "./load.ts";

export const SITE = "bench";

const RPC_PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.ingestEvent.name}`;

const event = create(IngestEventRequestSchema, {
  siteId: SITE,
  eventType: "page_view",
  path: "/blog/article-17",
  userId: "user-42",
  timestamp: "2025-11-12T19:30:01Z",
});
const json = Buffer.from(toJsonString(IngestEventRequestSchema, event, { useProtoFieldName: true }));
const proto = Buffer.from(toBinary(IngestEventRequestSchema, event));

export const POST_EVENT: LoadRequest = {
  protocol: "http1",
  path: "/event",
  headers: { "content-type": "application/json" },
  body: json,
};

export const CONNECT_JSON: LoadRequest = { ...POST_EVENT, path: RPC_PATH };

export const CONNECT_PROTO: LoadRequest = {
  protocol: "http1",
  path: RPC_PATH,
  headers: { "content-type": "application/proto" },
  body: proto,
};

export const GRPC: LoadRequest = {
  protocol: "http2",
  path: RPC_PATH,
  headers: { "content-type": "application/grpc", te: "trailers" },
  body: enveloped(proto),
};
