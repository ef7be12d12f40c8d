import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRestHandler, notFound } from "../../src/api/rest.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { temporaryDirectory } from "../temporary.ts";
import { fakes, silentLogger } from "./fakes.ts";

let world = fakes();
let base = "";
let port = 0;
let close = () => {};

beforeEach(async () => {
  world = fakes();
  const rest = createRestHandler({ ...world, logger: silentLogger });
  const server = createServer((req, res) => rest(req, res) || notFound(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  base = `http://127.0.0.1:${port}`;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(() => close());

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) {
  const response = await fetch(`${base}/event`, { method: "POST", body, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function get(path: string) {
  const response = await fetch(`${base}${path}`);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}

const good = { site_id: "site-abc-123", event_type: "page_view" };

test("a good event is stored, and the answer is that of the older service", async () => {
  const full = { ...good, path: "/p", user_id: "u", timestamp: "2025-11-12T13:30:01+02:00", event_id: "e" };
  expect(await post(JSON.stringify(full))).toMatchObject({
    status: 200,
    body: { message: "Event received" },
  });
  expect(world.ingest.stored).toEqual([
    {
      siteId: "site-abc-123",
      eventType: "page_view",
      path: "/p",
      userId: "u",
      timestamp: "2025-11-12T11:30:01Z",
      eventId: "e",
    },
  ]);
});

test.each([
  ["without site_id", { event_type: "page_view" }, "Missing required field: site_id"],
  ["with an empty site_id", { ...good, site_id: "" }, "Missing required field: site_id"],
  ["with a null site_id", { ...good, site_id: null }, "Missing required field: site_id"],
  ["without event_type", { site_id: "s" }, "Missing required field: event_type"],
  ["with an empty event_type", { ...good, event_type: "" }, "Missing required field: event_type"],
  ["with a number for a path", { ...good, path: 5 }, "path must be a string"],
  ["with an object for a user_id", { ...good, user_id: {} }, "user_id must be a string"],
  [
    "with a long site_id",
    { ...good, site_id: "é".repeat(65) },
    "site_id is 130 bytes long; at most 128 are allowed",
  ],
  [
    "with a long event_type",
    { ...good, event_type: "x".repeat(65) },
    "event_type is 65 bytes long; at most 64 are allowed",
  ],
  [
    "with a long path",
    { ...good, path: "x".repeat(2049) },
    "path is 2049 bytes long; at most 2048 are allowed",
  ],
  [
    "with a long user_id",
    { ...good, user_id: "x".repeat(257) },
    "user_id is 257 bytes long; at most 256 are allowed",
  ],
  [
    "with a long event_id",
    { ...good, event_id: "x".repeat(129) },
    "event_id is 129 bytes long; at most 128 are allowed",
  ],
  ["with a control character", { ...good, path: "/a\nb" }, "path must not contain control characters"],
  ["with a lone surrogate", { ...good, path: "/\ud800" }, "path must not contain lone surrogates"],
  [
    "with a timestamp in the future",
    { ...good, timestamp: "2025-11-13T12:00:00.001Z" },
    "timestamp is more than 24 hours in the future",
  ],
])("an event %s is rejected with what is wrong", async (_, event, error) => {
  expect(await post(JSON.stringify(event))).toMatchObject({ status: 400, body: { error } });
  expect(world.ingest.stored).toEqual([]);
});

test.each([
  "2025-02-30T00:00:00Z",
  "yesterday",
  "2025-11-12",
  "2025-11-12T24:00:00Z",
  "2025-11-12T10:00:00.1234567890Z",
])("the timestamp %s is rejected", async (timestamp) => {
  const { status, body } = await post(JSON.stringify({ ...good, timestamp }));
  expect({ status, body }).toEqual({
    status: 400,
    body: { error: expect.stringMatching(/^timestamp must be/) },
  });
});

test.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["an array", "[]"],
  ["a string", '"x"'],
  ["a number", "5"],
  ["null", "null"],
  ["invalid UTF-8", new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
])("a body of %s is Invalid JSON", async (_, body) => {
  expect(await post(body)).toMatchObject({ status: 400, body: { error: "Invalid JSON" } });
});

test("null and empty optional fields count as absent, and the time of receipt is taken", async () => {
  const event = { ...good, path: null, user_id: "", timestamp: null, event_id: "" };
  expect((await post(JSON.stringify(event))).status).toBe(200);
  expect(world.ingest.stored[0]).toMatchObject({ path: "", userId: "", timestamp: "2025-11-12T12:00:00Z" });
});

test("unknown fields are ignored however deep, of duplicate keys the last wins, and __proto__ is just a key", async () => {
  const deep = "[".repeat(100) + "]".repeat(100);
  const body = `{"site_id":"first","site_id":"last","event_type":"x","extra":${deep},"__proto__":{"path":"/p"}}`;
  expect((await post(body)).status).toBe(200);
  expect(world.ingest.stored[0]).toMatchObject({ siteId: "last", path: "" });
});

test("the content type is not checked", async () => {
  const { status } = await post(JSON.stringify(good), { "Content-Type": "text/plain;charset=UTF-8" });
  expect(status).toBe(200);
});

test("a compressed body is refused by name", async () => {
  expect(await post(JSON.stringify(good), { "Content-Encoding": "gzip" })).toMatchObject({ status: 415 });
});

test("a body that is too large is answered with 413, with and without a length", async () => {
  const large = JSON.stringify({ ...good, extra: "x".repeat(70_000) });
  expect(await post(large)).toMatchObject({
    status: 413,
    body: { error: "The body is larger than 65536 bytes" },
  });
  const stream = new ReadableStream({
    start: (controller) => {
      controller.enqueue(new TextEncoder().encode(large));
      controller.close();
    },
  });
  const response = await fetch(`${base}/event`, { method: "POST", body: stream, duplex: "half" });
  expect(response.status).toBe(413);
  expect(world.ingest.stored).toEqual([]);
});

test("a body that is cut off stores nothing", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.end(
    'POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"site_id":"s","event_type":"x"}',
  );
  await text(socket);
  expect(world.ingest.calls).toBe(0);
});

test("a body that comes slowly is stored", async () => {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  const body = JSON.stringify(good);
  const head = `POST /event HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  for (const character of head + body)
    await new Promise<void>((resolve) => socket.write(character, () => resolve()));
  expect(await text(socket)).toContain('{"message":"Event received"}');
});

test.each([
  ["/event", "GET", "POST"],
  ["/event", "PUT", "POST"],
  ["/stats", "POST", "GET, HEAD"],
  ["/health", "DELETE", "GET, HEAD"],
])("%s answers %s with 405 and what it takes", async (path, method, allow) => {
  const response = await fetch(base + path, { method });
  expect({ status: response.status, allow: response.headers.get("allow") }).toEqual({ status: 405, allow });
  expect(await response.json()).toEqual({ error: expect.any(String) });
});

test.each(["buffer_full", "unavailable"] as const)(
  "when ingestion is %s the answer is 503 with Retry-After",
  async (code) => {
    world.ingest.refusal = code;
    const { status, headers, body } = await post(JSON.stringify(good));
    expect({ status, retry: headers.get("retry-after") }).toEqual({ status: 503, retry: "1" });
    expect(body).toEqual({ error: `refused: ${code}` });
  },
);

test("statistics have the fields of the older service, with date null for all time", async () => {
  expect(await get("/stats?site_id=site-abc-123")).toMatchObject({
    status: 200,
    body: {
      site_id: "site-abc-123",
      date: null,
      total_views: 3,
      unique_users: 2,
      top_paths: [{ path: "/a", views: 3 }],
    },
  });
  expect((await get("/stats?site_id=s%20%C3%A9&date=2024-02-29&limit=5")).body.date).toBe("2024-02-29");
  expect(world.reports.queries).toEqual([
    { siteId: "site-abc-123", date: null, limit: 10 },
    { siteId: "s é", date: "2024-02-29", limit: 5 },
  ]);
});

test.each([
  ["", "Missing required parameter: site_id"],
  ["?site_id=", "Missing required parameter: site_id"],
  ["?site_id=s&date=invalid-date", "Invalid date format. Expected YYYY-MM-DD"],
  ["?site_id=s&date=2025-02-30", "Invalid date format. Expected YYYY-MM-DD"],
  ["?site_id=s&limit=0", "limit must be a whole number from 1 to 1000"],
  ["?site_id=s&limit=1001", "limit must be a whole number from 1 to 1000"],
  ["?site_id=s&limit=x", "limit must be a whole number from 1 to 1000"],
  [`?site_id=${"x".repeat(129)}`, "site_id is 129 bytes long; at most 128 are allowed"],
])("statistics asked for with %s are refused", async (query, error) => {
  expect(await get(`/stats${query}`)).toMatchObject({ status: 400, body: { error } });
});

test("broken percent-encoding in a question does no harm", async () => {
  expect((await get("/stats?site_id=%ff%zz")).status).toBe(200);
});

test("health has the fields of the older service, and says why it is not healthy", async () => {
  expect((await get("/health")).body).toMatchObject({
    status: "healthy",
    service: "ingestion_api",
    queue_size: 3,
  });
  world.status.current = { ...world.status.current, state: "degraded", reason: "late" };
  expect(await get("/health")).toMatchObject({ status: 200, body: { status: "degraded", reason: "late" } });
  world.status.current = { ...world.status.current, state: "unavailable", reason: "no room" };
  expect(await get("/health")).toMatchObject({
    status: 503,
    body: { status: "unavailable", reason: "no room" },
  });
});

test("HEAD has the head of GET and no body", async () => {
  const response = await fetch(`${base}/health`, { method: "HEAD" });
  expect(response.status).toBe(200);
  expect(Number(response.headers.get("content-length"))).toBeGreaterThan(10);
  expect(await response.text()).toBe("");
});

test("another path is not found", async () => {
  expect(await get("/nothing")).toMatchObject({
    status: 404,
    body: { error: expect.stringMatching(/^Not found/) },
  });
});

test("a failure within says no more than that", async () => {
  world.reports.stats = () => {
    throw new Error("/secret/path");
  };
  expect(await get("/stats?site_id=s")).toMatchObject({ status: 500, body: { error: "internal error" } });
});

test("a plain file in the place of the link to the statistics is told of", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "analytics.db"), "");
  const reader = new ReadModelReader(directory);
  world.reports.stats = (query) => reader.stats(query);
  expect(await get("/stats?site_id=s")).toMatchObject({
    status: 503,
    body: {
      error:
        "the statistics cannot be read at present: " +
        "analytics.db in the data directory must be a link to analytics-<generation>.db: move it away",
    },
  });
});
