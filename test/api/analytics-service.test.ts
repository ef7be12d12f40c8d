import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGzip, gzipSync } from "node:zlib";

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  AnalyticsService,
  IngestEventRequestSchema,
  type IngestEventStreamRequestSchema,
  IngestEventsRequestSchema,
  ServiceState,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { registerAnalyticsService } from "../../src/api/analytics-service.ts";
import { createConnectHandler } from "../../src/api/connect-adapter.ts";
import type { Handler } from "../../src/api/node-http.ts";
import { notFound } from "../../src/api/rest.ts";
import { fakes, silentLogger } from "./fakes.ts";

let world = fakes();
let drain = new AbortController();
let base = "";
let client: Client<typeof AnalyticsService>;
let handler: Handler;
let close = () => {};

beforeEach(async () => {
  world = fakes();
  drain = new AbortController();
  handler = createConnectHandler({
    routes: (router) => registerAnalyticsService(router, { ...world, drain: drain.signal }),
    fallback: notFound,
    origins: world.origins,
    logger: silentLogger,
    shutdownSignal: drain.signal,
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient(AnalyticsService, createConnectTransport({ baseUrl: base, httpVersion: "1.1" }));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(() => close());

const good = { siteId: "site-abc-123", eventType: "page_view" };
const events = (count: number, event: MessageInitShape<typeof IngestEventRequestSchema> = good) =>
  Array.from({ length: count }, () => event);

/** Calls a method as Connect over plain HTTP. */
async function call(
  method: keyof typeof METHODS,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "Content-Type": "application/json" },
) {
  const path = `${base}/${AnalyticsService.typeName}/${METHODS[method]}`;
  const response = await fetch(path, { method: "POST", body, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const METHODS = { ingestEvent: "IngestEvent", ingestEvents: "IngestEvents", getStats: "GetStats" } as const;

async function errorOf(answer: Promise<unknown>): Promise<ConnectError> {
  try {
    await answer;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call has succeeded");
}

test("a good event is stored, and the answer has its id", async () => {
  const full = { ...good, path: "/p", userId: "u", timestamp: "2025-11-12T13:30:01+02:00", eventId: "e" };
  expect(await client.ingestEvent(full)).toMatchObject({ message: "Event received", eventId: "e" });
  expect(world.ingest.stored).toEqual([{ ...full, timestamp: "2025-11-12T11:30:01Z" }]);
});

test("an event without an id is answered with the one that was made", async () => {
  expect((await client.ingestEvent(good)).eventId).toBe("made-1");
});

const TIME_REASON =
  "timestamp must be a time of RFC 3339 with at most 9 digits of fraction, such as 2025-11-12T19:30:01Z";
const REJECTIONS: [string, Record<string, unknown>, string][] = [
  ["without siteId", { eventType: "page_view" }, "Missing required field: site_id"],
  ["with an empty siteId", { ...good, siteId: "" }, "Missing required field: site_id"],
  ["with a null siteId", { ...good, siteId: null }, "Missing required field: site_id"],
  ["without eventType", { siteId: "s" }, "Missing required field: event_type"],
  ["with an empty eventType", { ...good, eventType: "" }, "Missing required field: event_type"],
  [
    "with a long siteId",
    { ...good, siteId: "é".repeat(65) },
    "site_id is 130 bytes long; at most 128 are allowed",
  ],
  [
    "with a long eventType",
    { ...good, eventType: "x".repeat(65) },
    "event_type is 65 bytes long; at most 64 are allowed",
  ],
  [
    "with a long path",
    { ...good, path: "x".repeat(2049) },
    "path is 2049 bytes long; at most 2048 are allowed",
  ],
  [
    "with a long userId",
    { ...good, userId: "x".repeat(257) },
    "user_id is 257 bytes long; at most 256 are allowed",
  ],
  [
    "with a long eventId",
    { ...good, eventId: "x".repeat(129) },
    "event_id is 129 bytes long; at most 128 are allowed",
  ],
  ["with a control character", { ...good, path: "/a\nb" }, "path must not contain control characters"],
  [
    "of the far future",
    { ...good, timestamp: "2025-11-13T12:00:00.001Z" },
    "timestamp is more than 24 hours in the future",
  ],
  ["of 30 February", { ...good, timestamp: "2025-02-30T00:00:00Z" }, TIME_REASON],
  ["of yesterday", { ...good, timestamp: "yesterday" }, TIME_REASON],
  ["of a date only", { ...good, timestamp: "2025-11-12" }, TIME_REASON],
  ["of hour 24", { ...good, timestamp: "2025-11-12T24:00:00Z" }, TIME_REASON],
  ["of 10 digits", { ...good, timestamp: "2025-11-12T10:00:00.1234567890Z" }, TIME_REASON],
];

test.each(REJECTIONS)("an event %s is an invalid argument, with what is wrong", async (_, event, message) => {
  const answer = await call("ingestEvent", JSON.stringify(event));
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid_argument", message } });
  expect(world.ingest.stored).toEqual([]);
});

test.each(REJECTIONS)("an event %s is rejected by itself in a batch", async (_, event, reason) => {
  const answer = await call("ingestEvents", JSON.stringify({ events: [good, event, good] }));
  expect(answer).toMatchObject({
    status: 200,
    body: { acceptedCount: "2", rejected: [{ index: "1", reason }] },
  });
});

test.each([
  ["siteId", 5],
  ["eventType", true],
  ["path", {}],
  ["userId", ["u"]],
  ["timestamp", 1762905600],
  ["eventId", 1.5],
])("a wrong type of %s is an invalid argument that names the field", async (field, value) => {
  const { status, body } = await call("ingestEvent", JSON.stringify({ ...good, [field]: value }));
  const name = field.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`);
  expect({ status, body }).toMatchObject({
    status: 400,
    body: { code: "invalid_argument", message: expect.stringContaining(name) },
  });
  expect(world.ingest.calls).toBe(0);
});

test.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["an array", "[]"],
  ["null", "null"],
  ["invalid UTF-8", Buffer.from('{"siteId":"\xff","eventType":"x"}', "latin1")],
])("a body of %s is an invalid argument", async (_, body) => {
  expect(await call("ingestEvent", body)).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
  expect(world.ingest.calls).toBe(0);
});

test("the body of POST /event is a request of Connect too", async () => {
  const body = {
    site_id: "s",
    event_type: "x",
    path: "/p",
    user_id: "u",
    timestamp: "2025-11-12T11:00:00Z",
    event_id: "e",
  };
  expect(await call("ingestEvent", JSON.stringify(body))).toMatchObject({
    status: 200,
    body: { eventId: "e" },
  });
  expect(world.ingest.stored).toEqual([
    { siteId: "s", eventType: "x", path: "/p", userId: "u", timestamp: "2025-11-12T11:00:00Z", eventId: "e" },
  ]);
});

test("JSON with a lone surrogate is an invalid argument that names the field", async () => {
  const { body } = await call("ingestEvent", JSON.stringify({ ...good, path: "/\ud800" }));
  expect(body).toEqual({
    code: "invalid_argument",
    message: expect.stringMatching(/\.path .*invalid UTF8$/),
  });
});

test("unknown JSON fields are ignored", async () => {
  const body = { ...good, extra: { deep: [1] }, __proto__x: 1 };
  expect((await call("ingestEvent", JSON.stringify(body))).status).toBe(200);
});

test("null fields count as absent", async () => {
  const body = { ...good, path: null, userId: null, timestamp: null, eventId: null };
  expect((await call("ingestEvent", JSON.stringify(body))).status).toBe(200);
  expect(world.ingest.stored[0]).toMatchObject({ path: "", userId: "", timestamp: "2025-11-12T12:00:00Z" });
});

const PROTO = { "Content-Type": "application/proto" };
/** As in gRPC, bytes that are no message are not the fault of an argument. */
const NO_PROTOBUF = { code: "internal", message: expect.stringMatching(/^parse binary: /) };

test.each([
  ["site_id", 1],
  ["path", 3],
  ["timestamp", 5],
])("invalid UTF-8 in the %s of a protobuf message is refused", async (_, number) => {
  const event = toBinary(IngestEventRequestSchema, create(IngestEventRequestSchema, good));
  const bad = new BinaryWriter()
    .tag(number, WireType.LengthDelimited)
    .bytes(Uint8Array.of(0x61, 0xff))
    .finish();
  const { body } = await call("ingestEvent", Buffer.concat([event, bad]), PROTO);
  expect(body).toMatchObject(NO_PROTOBUF);
  expect(world.ingest.calls).toBe(0);
});

test("a cut-off protobuf message is refused", async () => {
  const event = toBinary(IngestEventRequestSchema, create(IngestEventRequestSchema, good));
  const { body } = await call("ingestEvent", Buffer.from(event.subarray(0, -1)), PROTO);
  expect(body).toMatchObject(NO_PROTOBUF);
  expect(world.ingest.calls).toBe(0);
});

test.each([
  ["buffer_full", Code.ResourceExhausted],
  ["unavailable", Code.Unavailable],
] as const)(
  "when ingestion is %s, every way in says so with its code and Retry-After",
  async (refusal, code) => {
    world.ingest.refusal = refusal;
    async function* requests(): AsyncGenerator<MessageInitShape<typeof IngestEventStreamRequestSchema>> {
      yield { events: [good] };
    }
    const ways = [
      () => client.ingestEvent(good),
      () => client.ingestEvents({ events: [good] }),
      () => client.ingestEventStream(requests()),
    ];
    for (const way of ways) {
      const error = await errorOf(way());
      expect(error).toMatchObject({ code, rawMessage: `refused: ${refusal}` });
      expect(error.metadata.get("Retry-After")).toBe("1");
    }
  },
);

test("10,000 events are a batch", async () => {
  const { acceptedCount, rejected } = await client.ingestEvents({ events: events(10_000) });
  expect({ acceptedCount, rejected }).toEqual({ acceptedCount: 10_000n, rejected: [] });
});

test("10,001 events are refused, and none of them is stored", async () => {
  const error = await errorOf(client.ingestEvents({ events: events(10_001) }));
  expect(error).toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: "events has 10001 entries; at most 10000 are allowed: split the batch",
  });
  expect(world.ingest.calls).toBe(0);
});

test("a batch without events is answered with zeros", async () => {
  expect(await client.ingestEvents({})).toMatchObject({ acceptedCount: 0n, rejected: [] });
});

test("a batch says which of its events were rejected, all of them", async () => {
  const { acceptedCount, rejected } = await client.ingestEvents({
    events: [good, ...events(200, { siteId: "s" }), good],
  });
  expect(acceptedCount).toBe(2n);
  expect(rejected.map(({ index }) => index)).toEqual(Array.from({ length: 200 }, (_, at) => BigInt(at + 1)));
});

/** An event request of exactly `bytes` bytes of JSON. */
function jsonOf(bytes: number): string {
  const body = JSON.stringify({ ...good, extra: "" });
  return body.replace('"extra":""', `"extra":"${"x".repeat(bytes - body.length)}"`);
}

test("an event of 64 KiB is read", async () => {
  expect((await call("ingestEvent", jsonOf(64 * 1024))).status).toBe(200);
});

test.each(["ingestEvent", "getStats"] as const)(
  "a message of 64 KiB and a byte is too large for %s",
  async (method) => {
    const answer = await call(method, jsonOf(64 * 1024 + 1));
    expect(answer).toMatchObject({ status: 429, body: { code: "resource_exhausted" } });
    expect(world.ingest.calls).toBe(0);
  },
);

test("a batch of less than 4 MiB is read, and of more is too large", async () => {
  const event = { ...good, path: "x".repeat(2000) };
  const bytesOf = (count: number) =>
    toBinary(IngestEventsRequestSchema, create(IngestEventsRequestSchema, { events: events(count, event) }))
      .byteLength;
  const most = Math.floor((4 * 1024 * 1024) / bytesOf(1));
  expect((await client.ingestEvents({ events: events(most, event) })).acceptedCount).toBe(BigInt(most));
  const error = await errorOf(client.ingestEvents({ events: events(most + 1, event) }));
  expect(error.code).toBe(Code.ResourceExhausted);
  expect(world.ingest.calls).toBe(1);
});

const GZIP = { "Content-Type": "application/json", "Content-Encoding": "gzip" };

test("a compressed event is read", async () => {
  expect((await call("ingestEvent", gzipSync(JSON.stringify(good)), GZIP)).status).toBe(200);
});

test.each(["ingestEvent", "ingestEvents"] as const)(
  "100 MB of spaces in little gzip are refused by %s, and take little memory",
  async (method) => {
    const spaces = Buffer.alloc(1_000_000, " ");
    const bomb = await buffer(Readable.from(events(100).map(() => spaces)).pipe(createGzip()));
    expect(bomb.byteLength).toBeLessThan(200_000);
    const before = process.resourceUsage().maxRSS;
    const answer = await call(method, bomb, GZIP);
    expect(answer).toMatchObject({ status: 429, body: { code: "resource_exhausted" } });
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(40 * 1024);
  },
);

test.each([
  ["gzip that is none", "gzip", Code[Code.InvalidArgument]],
  ["an unknown compression", "zstd", Code[Code.Unimplemented]],
])("a body in %s is refused", async (_, encoding, code) => {
  const headers = { "Content-Type": "application/json", "Content-Encoding": encoding };
  const { body } = await call("ingestEvent", JSON.stringify(good), headers);
  expect(body).toMatchObject({
    code: code?.replace(/(?<=[a-z])[A-Z]/, (letter) => `_${letter}`).toLowerCase(),
  });
});

test("a stream is counted, with its rejected events by their place", async () => {
  async function* requests(): AsyncGenerator<MessageInitShape<typeof IngestEventStreamRequestSchema>> {
    yield { events: [good, { siteId: "s" }] };
    yield { events: [{ siteId: "s" }, good] };
  }
  const { acceptedCount, rejectedCount, rejected } = await client.ingestEventStream(requests());
  expect({ acceptedCount, rejectedCount }).toEqual({ acceptedCount: 2n, rejectedCount: 2n });
  expect(rejected.map(({ index }) => index)).toEqual([1n, 2n]);
});

test("a stream with a message of 10,001 events is refused", async () => {
  async function* requests(): AsyncGenerator<MessageInitShape<typeof IngestEventStreamRequestSchema>> {
    yield { events: events(10_001) };
  }
  expect((await errorOf(client.ingestEventStream(requests()))).code).toBe(Code.InvalidArgument);
});

test("a drain answers a stream whose client stalls", async () => {
  const end = Promise.withResolvers<void>();
  async function* requests(): AsyncGenerator<MessageInitShape<typeof IngestEventStreamRequestSchema>> {
    yield { events: [good] };
    await end.promise;
  }
  const answer = client.ingestEventStream(requests());
  await expect.poll(() => world.ingest.stored.length).toBe(1);
  drain.abort();
  expect(await answer).toMatchObject({ acceptedCount: 1n, rejectedCount: 0n });
  end.resolve();
});

test("a drain answers a stream of gRPC whose client stalls", async () => {
  const server = createHttp2Server(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const grpc = createClient(AnalyticsService, createGrpcTransport({ baseUrl, sessionManager }));
  const end = Promise.withResolvers<void>();
  async function* requests(): AsyncGenerator<MessageInitShape<typeof IngestEventStreamRequestSchema>> {
    yield { events: [good] };
    await end.promise;
  }
  const answer = grpc.ingestEventStream(requests());
  await expect.poll(() => world.ingest.stored.length).toBe(1);
  drain.abort();
  expect(await answer).toMatchObject({ acceptedCount: 1n, rejectedCount: 0n });
  end.resolve();
  sessionManager.abort();
  server.close();
});

test("gRPC-Web has the same answers", async () => {
  const web = createClient(AnalyticsService, createGrpcWebTransport({ baseUrl: base, httpVersion: "1.1" }));
  expect((await web.ingestEvent(good)).message).toBe("Event received");
  world.ingest.refusal = "buffer_full";
  const error = await errorOf(web.ingestEvent(good));
  expect({ code: error.code, retry: error.metadata.get("Retry-After") }).toEqual({
    ...{ code: Code.ResourceExhausted, retry: "1" },
  });
});

test("statistics of all time have no date, and the default number of paths", async () => {
  const answer = await client.getStats({ siteId: "s" });
  expect(answer).toMatchObject({
    siteId: "s",
    totalViews: 3n,
    uniqueUsers: 2n,
    topPaths: [{ path: "/a", views: 3n }],
  });
  expect(answer.date).toBeUndefined();
  expect(world.reports.queries).toEqual([{ siteId: "s", date: null, limit: 10 }]);
});

test("statistics of a day have its date", async () => {
  expect((await client.getStats({ siteId: "s é", date: "2024-02-29", limit: 1000 })).date).toBe("2024-02-29");
  expect(world.reports.queries).toEqual([{ siteId: "s é", date: "2024-02-29", limit: 1000 }]);
});

test("an empty date and a limit of 0 count as absent", async () => {
  expect((await client.getStats({ siteId: "s", date: "", limit: 0 })).date).toBeUndefined();
  expect(world.reports.queries).toEqual([{ siteId: "s", date: null, limit: 10 }]);
});

test.each([
  [{}, "Missing required parameter: site_id"],
  [{ siteId: "s", date: "invalid-date" }, "Invalid date format. Expected YYYY-MM-DD"],
  [{ siteId: "s", date: "2025-02-30" }, "Invalid date format. Expected YYYY-MM-DD"],
  [{ siteId: "s", limit: -1 }, "limit must be a whole number from 1 to 1000"],
  [{ siteId: "s", limit: 1001 }, "limit must be a whole number from 1 to 1000"],
  [{ siteId: "x".repeat(129) }, "site_id is 129 bytes long; at most 128 are allowed"],
  [{ siteId: "a\0" }, "site_id must not contain control characters"],
])("statistics asked for with %o are an invalid argument", async (request, rawMessage) => {
  expect(await errorOf(client.getStats(request))).toMatchObject({ code: Code.InvalidArgument, rawMessage });
  expect(world.reports.queries).toEqual([]);
});

test("statistics can be asked for with GET", async () => {
  const message = encodeURIComponent(JSON.stringify({ site_id: "s", limit: 5 }));
  const path = `/analytics.v1.AnalyticsService/GetStats?connect=v1&encoding=json&message=${message}`;
  const response = await fetch(base + path);
  expect(await response.json()).toEqual({
    ...{ siteId: "s", totalViews: "3", uniqueUsers: "2", topPaths: [{ path: "/a", views: "3" }] },
  });
  expect(world.reports.queries).toEqual([{ siteId: "s", date: null, limit: 5 }]);
});

test("events cannot be sent with GET", async () => {
  const message = encodeURIComponent(JSON.stringify(good));
  const path = `/analytics.v1.AnalyticsService/IngestEvent?connect=v1&encoding=json&message=${message}`;
  expect((await fetch(base + path)).status).toBe(405);
  expect(world.ingest.calls).toBe(0);
});

test.each([
  ["healthy", ServiceState.HEALTHY],
  ["degraded", ServiceState.DEGRADED],
  ["unavailable", ServiceState.UNAVAILABLE],
] as const)("the status has all of its fields when %s", async (state, expected) => {
  const { version, logId } = world.status.current;
  world.status.current = { ...world.status.current, state, reason: "why", logEnd: Number.MAX_SAFE_INTEGER };
  expect(await client.getStatus({})).toEqual(
    expect.objectContaining({
      ...{ version, logId, state: expected, reason: "why", uptimeMs: 5n },
      ...{ logEnd: 9007199254740991n, projected: 7n, backlog: 3n, lagMs: 20n },
    }),
  );
});

test("a failure within says no more than that", async () => {
  world.reports.stats = () => {
    throw new Error("/secret/path");
  };
  expect(await errorOf(client.getStats({ siteId: "s" }))).toMatchObject({
    code: Code.Internal,
    rawMessage: "internal error",
  });
});
