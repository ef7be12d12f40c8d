// A batch of events as a message, without event ids: sent again, they are events of their own.

import { create, toBinary } from "@bufbuild/protobuf";
import { IngestEventsRequestSchema } from "../gen/ts/analytics/v1/analytics_pb.ts";
import { SITE } from "./single-events.ts";

export const BATCH_EVENTS = 1000;

/** An IngestEventsRequest; the same bytes are an IngestEventStreamRequest. */
export function encodeBatch(): Buffer {
  const events = Array.from({ length: BATCH_EVENTS }, (_, index) => ({
    siteId: SITE,
    eventType: "page_view",
    path: `/blog/article-${index % 200}`,
    userId: `user-${(index * 7) % 500}`,
    timestamp: "2025-11-12T19:30:01Z",
  }));
  return Buffer.from(toBinary(IngestEventsRequestSchema, create(IngestEventsRequestSchema, { events })));
}
