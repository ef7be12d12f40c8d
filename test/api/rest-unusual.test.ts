// POST /event, GET /stats and GET /health under unusual requests, over HTTP/1.1.

import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRestHandler, notFound } from "../../src/api/rest.ts";
import { fakes } from "./fakes.ts";

const good = { site_id: "s", event_type: "page_view" };
const EVENT = JSON.stringify(good);

let world = fakes();
let logged = "";
let begun = 0;
let port = 0;
let close = () => {};

beforeEach(async () => {
  world = fakes();
  logged = "";
  begun = 0;
  const logger = pino(
    {},
    {
      write: (line: string) => {
        logged += line;
      },
    },
  );
  const rest = createRestHandler({ ...world, logger });
  const server = createServer((req, res) => {
    begun += 1;
    return rest(req, res) || notFound(req, res);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});
afterEach(() => close());

const urlOf = (path: string) => `http://127.0.0.1:${port}${path}`;

async function call(path: string, init: RequestInit = {}) {
  const response = await fetch(urlOf(path), init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  call("/event", { method: "POST", body, headers });

/** Sends bytes as they are; the socket stays open. */
function send(bytes: string): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.write(bytes);
  return socket;
}

test("an answer has its type and its length in bytes", async () => {
  const { headers } = await post(EVENT);
  expect(headers.get("content-type")).toBe("application/json");
  expect(headers.get("content-length")).toBe(String('{"message":"Event received"}'.length));
});

test("a byte order mark before the JSON is skipped", async () => {
  expect((await post(`\ufeff${EVENT}`)).status).toBe(200);
});

test("nesting as deep as a body can be does no harm", async () => {
  const deep = "[".repeat(32_000) + "]".repeat(32_000);
  expect((await post(`{"site_id":"s","event_type":"x","extra":${deep}}`)).status).toBe(200);
});

test("a body of exactly 64 KiB is read, and of one byte more is too large", async () => {
  const padding = 64 * 1024 - JSON.stringify({ ...good, extra: "" }).length;
  const bodyOf = (extra: number) => JSON.stringify({ ...good, extra: "x".repeat(extra) });
  expect((await post(bodyOf(padding))).status).toBe(200);
  expect((await post(bodyOf(padding + 1))).status).toBe(413);
  expect(world.ingest.stored.length).toBe(1);
});

test("a body that is far too large by its length is refused before it comes", async () => {
  const socket = send("POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 413 .*\r\n/);
  expect(answer).toContain("\r\nConnection: close\r\n");
  expect(answer).toContain('{"error":"The body is larger than 65536 bytes"}');
});

test("a body without a declared length is refused when it goes on and on", async () => {
  const socket = send("POST /event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  const goOn = () => {
    while (socket.writable && socket.write(chunk));
  };
  socket.on("drain", goOn);
  socket.on("error", () => {});
  goOn();
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  socket.destroy();
});

test.each([
  ["PUT", "/event", {}, 405],
  ["POST", "/stats", {}, 405],
  ["POST", "/event", { "Content-Encoding": "gzip" }, 415],
])("%s %s (headers %o) with 900 KB of body is answered %i once the body is read", async (...request) => {
  const [method, path, headers, status] = request;
  const length = 900_000;
  const fields = Object.entries({ Host: "x", "Content-Length": String(length), ...headers });
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const socket = send(`${method} ${path} HTTP/1.1\r\n${head}\r\n${"x".repeat(length)}`);
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  // The connection can be used again: no byte of the body is left in it.
  socket.write("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test("a sender that compresses is told what is taken", async () => {
  const { status, headers, body } = await post(EVENT, { "Content-Encoding": "gzip" });
  expect({ status, accept: headers.get("accept-encoding") }).toEqual({ status: 415, accept: "identity" });
  expect(body).toEqual({ error: "Content-Encoding is not supported: send the body uncompressed" });
  expect(world.ingest.calls).toBe(0);
});

test("the encoding Identity is none", async () => {
  expect((await post(EVENT, { "Content-Encoding": "Identity" })).status).toBe(200);
});

test("a sender that is cut off in the body stores nothing, and the next one is served", async () => {
  const socket = send(`POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n${EVENT}`);
  await expect.poll(() => begun).toBe(1);
  socket.resetAndDestroy();
  expect((await post(EVENT)).status).toBe(200);
  expect(world.ingest.calls).toBe(1);
  expect(logged).toBe("");
});

test("a sender that is gone before its answer does no harm", async () => {
  const stored = Promise.withResolvers<void>();
  world.ingest.gate = stored.promise;
  const socket = send(`POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: ${EVENT.length}\r\n\r\n${EVENT}`);
  await expect.poll(() => world.ingest.calls).toBe(1);
  socket.resetAndDestroy();
  stored.resolve();
  expect((await call("/health")).status).toBe(200);
  expect(world.ingest.stored.length).toBe(1);
  expect(logged).toBe("");
});

test.each(["1e2", "0x10", " 5", "+5", "-1", "1.5", "10000000000000000000000", "NaN"])(
  "a limit of %j is refused",
  async (limit) => {
    const query = new URLSearchParams({ site_id: "s", limit });
    expect(await call(`/stats?${query}`)).toMatchObject({
      status: 400,
      body: { error: "limit must be a whole number from 1 to 1000" },
    });
  },
);

test("the limits 1 and 1000 are taken", async () => {
  await call("/stats?site_id=s&limit=1");
  await call("/stats?site_id=s&limit=1000");
  expect(world.reports.queries.map(({ limit }) => limit)).toEqual([1, 1000]);
});

test("an empty date and an empty limit count as absent", async () => {
  expect((await call("/stats?site_id=s&date=&limit=")).status).toBe(200);
  expect(world.reports.queries).toEqual([{ siteId: "s", date: null, limit: 10 }]);
});

test("of a parameter that is repeated the first counts", async () => {
  await call("/stats?site_id=first&site_id=second");
  expect(world.reports.queries.map(({ siteId }) => siteId)).toEqual(["first"]);
});

test("a control character in the site of a question is refused", async () => {
  expect(await call("/stats?site_id=a%00")).toMatchObject({
    status: 400,
    body: { error: "site_id must not contain control characters" },
  });
});

test("HEAD of statistics has the length of GET", async () => {
  const head = await fetch(urlOf("/stats?site_id=s"), { method: "HEAD" });
  const { headers } = await call("/stats?site_id=s");
  expect(head.headers.get("content-length")).toBe(headers.get("content-length"));
});

test("health tells all that there is to tell", async () => {
  expect((await call("/health")).body).toEqual({
    ...{ status: "healthy", service: "ingestion_api", queue_size: 3, version: "1.2.3" },
    ...{ uptime_ms: 5, log_end: 10, projected: 7, lag_ms: 20 },
  });
});

test.each(["/event/", "/events", "/", "/Event"])("%s is no path of this service", async (path) => {
  expect((await call(path)).status).toBe(404);
});

test("what is not found is not repeated", async () => {
  const { status, body } = await call(`/${"x".repeat(8000)}`);
  expect(status).toBe(404);
  expect(JSON.stringify(body).length).toBeLessThan(200);
});

test("a failure within is logged and is not told", async () => {
  world.status.status = async () => {
    throw new Error("/secret/path");
  };
  expect(await call("/health")).toMatchObject({ status: 500, body: { error: "internal error" } });
  expect(logged).toContain("/secret/path");
});
