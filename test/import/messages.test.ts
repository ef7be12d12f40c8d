import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  type IngestEventRequest,
  IngestEventRequestSchema,
  type IngestEventStreamRequest,
  IngestEventStreamRequestSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { messages } from "../../src/import/messages.ts";

/** What the server takes. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

async function cut(events: readonly IngestEventRequest[]): Promise<IngestEventStreamRequest[]> {
  const parts: IngestEventStreamRequest[] = [];
  for await (const part of messages(events)) parts.push(part);
  return parts;
}

test("a message has 500 events, and the last one the rest", async () => {
  const events = Array.from({ length: 1_200 }, (_, index) =>
    create(IngestEventRequestSchema, { path: `/${index}` }),
  );
  const parts = await cut(events);
  expect(parts.map((part) => part.events.length)).toEqual([500, 500, 200]);
  expect(parts.flatMap((part) => part.events)).toEqual(events);
});

test("nothing makes no message", async () => {
  expect(await cut([])).toEqual([]);
});

test("messages of the longest events are no longer than the server takes, and are all of them", async () => {
  const longest = create(IngestEventRequestSchema, {
    siteId: "s".repeat(128),
    eventType: "page_view",
    path: "\u0800".repeat(682),
    url: "\u0800".repeat(2_730),
    referrer: "\u0800".repeat(2_730),
    userAgent: "\u0800".repeat(341),
    hostname: "h".repeat(255),
  });
  const parts = await cut(Array.from({ length: 1_000 }, () => longest));
  expect(parts.reduce((count, { events }) => count + events.length, 0)).toBe(1_000);
  for (const part of parts) {
    expect(toBinary(IngestEventStreamRequestSchema, part).length).toBeLessThan(MAX_MESSAGE_BYTES);
  }
});
