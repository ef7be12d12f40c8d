// Batches in protobuf's binary format take the lane of events as well: with it and without it, a client sees the same, and
// the same is stored.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type IngestEventRequestSchema,
  IngestEventsRequestSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { shapeOf } from "../../src/api/ingest-shapes.ts";
import { MAX_BATCH_EVENTS } from "../../src/api/message-size.ts";
import { type Call, envelope, type Headers, openPair } from "./lane-pair.ts";
import { openTestPort } from "./port-fixture.ts";

const RPC = "/analytics.v1.AnalyticsService/IngestEvents";
type Event = MessageInitShape<typeof IngestEventRequestSchema>;
const GOOD: Event = { siteId: "s", eventType: "view", path: "/a" };

function binary(events: Event[]): Buffer {
  return Buffer.from(toBinary(IngestEventsRequestSchema, create(IngestEventsRequestSchema, { events })));
}

/** Each way to send a batch, with the body that it makes of a message. */
const WAYS = [
  { type: "application/proto", wrap: (message: Buffer) => message },
  { type: "application/grpc", wrap: (message: Buffer) => envelope(message) },
  { type: "application/grpc+proto", wrap: (message: Buffer) => envelope(message) },
  { type: "application/grpc-web+proto", wrap: (message: Buffer) => envelope(message) },
] as const;

function callOf({ type, wrap }: (typeof WAYS)[number], message: Buffer, headers: Headers = {}): Call {
  return { path: RPC, headers: { "content-type": type, ...headers }, body: wrap(message) };
}

test("the lane takes a batch in protobuf, and none in JSON or in an unknown shape", () => {
  const isTaken = (type: string) => shapeOf(RPC, { "content-type": type })?.of === "batch";
  expect(["application/proto", "application/grpc", "application/grpc+proto"].filter(isTaken)).toHaveLength(3);
  expect(
    ["application/json", "application/grpc+json", "application/connect+proto", ""].filter(isTaken),
  ).toEqual([]);
});

test.for(WAYS)("$type: batches of all sizes, whole and in parts", async (way) => {
  const send = await openPair();
  for (const count of [0, 1, 2, 1000, MAX_BATCH_EVENTS, MAX_BATCH_EVENTS + 1]) {
    const call = callOf(
      way,
      binary(Array.from({ length: count }, (_, n) => ({ ...GOOD, eventId: `e${n}` }))),
    );
    for (const splitAt of [undefined, 7]) await send({ ...call, ...(splitAt !== undefined && { splitAt }) });
  }
});

test.for(WAYS)("$type: events that are wrong, or take more than bytes, among good ones", async (way) => {
  const send = await openPair();
  const others: Event[] = [
    ...[
      { siteId: "s" },
      { ...GOOD, siteId: "" },
      { ...GOOD, path: "p".repeat(2049) },
      { ...GOOD, eventId: "é" },
    ],
    ...[
      { ...GOOD, timestamp: "2025-11-12 13:00:00+02:00" },
      { ...GOOD, timestamp: "today" },
      { ...GOOD, url: "/a" },
    ],
    ...[
      { ...GOOD, props: { plan: "pro" } },
      { ...GOOD, screenWidth: 1280 },
      { ...GOOD, title: "t".repeat(20_000) },
    ],
  ];
  for (const other of others) {
    for (const events of [[other], [GOOD, other, GOOD]]) await send(callOf(way, binary(events)));
  }
});

test.for(WAYS)("$type: messages that are broken, or have other fields", async (way) => {
  const send = await openPair();
  const good = binary([GOOD, GOOD]);
  const messages = [
    ...[
      good.subarray(0, -1),
      good.subarray(1),
      Buffer.of(0x0a),
      Buffer.of(0x0a, 0x80),
      Buffer.of(0x0a, 0x05, 0x01),
    ],
    ...[Buffer.concat([good, Buffer.of(0x12, 0x00)]), Buffer.concat([Buffer.of(0x08, 0x01), good])],
    // A length that is longer than it need be, and one beyond the end.
    ...[Buffer.of(0x0a, 0x80, 0x00), Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
  ];
  for (const message of messages) await send(callOf(way, message));
});

test.for(WAYS)("$type: headers that matter, and headers that do not", async (way) => {
  const send = await openPair();
  const variants: Headers[] = [
    ...[{ "content-encoding": "gzip" }, { "grpc-encoding": "gzip" }, { "grpc-accept-encoding": "gzip" }],
    ...[
      { "connect-protocol-version": "1" },
      { "connect-protocol-version": "2" },
      { "accept-encoding": "gzip" },
    ],
    ...[
      { "connect-timeout-ms": "10000" },
      { "grpc-timeout": "10S" },
      { "grpc-timeout": "1n" },
      { "user-agent": "x" },
    ],
  ];
  for (const headers of variants) await send(callOf(way, binary([GOOD, GOOD]), headers));
});

test.for(WAYS)(
  "$type: a batch that is longer than windows are, and one that is longer than batches may be",
  async (way) => {
    const send = await openPair();
    for (const length of [600, 1100, 3000, 5000]) {
      const events = Array.from({ length }, (_, n) => ({
        ...GOOD,
        path: `/${n}`,
        userId: "u".repeat(200),
        eventId: "e".repeat(128),
      }));
      const padded = events.map((event) => ({ ...event, path: event.path.padEnd(700, "p") }));
      await send(callOf(way, binary(padded)));
    }
  },
);

test("any batch, and any batch with a byte changed", { timeout: 60_000 }, async () => {
  const send = await openPair();
  const event = fc.record(
    {
      ...{
        siteId: fc.constantFrom("s", "t", ""),
        eventType: fc.constantFrom("view", "click"),
        path: fc.string(),
      },
      ...{ userId: fc.string({ unit: "grapheme", maxLength: 5 }), eventId: fc.string({ maxLength: 5 }) },
    },
    { requiredKeys: ["siteId", "eventType"] },
  );
  const change = fc.option(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }));
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), change, async (events, changed) => {
      const message = binary(events);
      if (changed && message.length > 0) message[changed.at % message.length] = changed.to;
      for (const way of WAYS) await send(callOf(way, message));
    }),
    { numRuns: 60 },
  );
});

test("a refused batch is answered as the full handlers do, and nothing is stored", async () => {
  const { url, ingest } = await openTestPort();
  for (const [refusal, status] of [
    ["buffer_full", 429],
    ["unavailable", 503],
  ] as const) {
    ingest.refusal = refusal;
    const headers = { "content-type": "application/proto" };
    const response = await fetch(url + RPC, {
      method: "POST",
      headers,
      body: new Uint8Array(binary([GOOD])),
    });
    expect(response.status).toBe(status);
  }
  expect(ingest.stored).toEqual([]);
});
