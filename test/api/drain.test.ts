// The port lets its connections go.

import { once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import {
  EVENT,
  HTTP2_PREFACE,
  http2Frame,
  openSession,
  openTestPort,
  POST_EVENT,
  RawClient,
  RECEIVED,
  SOON,
} from "./port-fixture.ts";

/** Far longer than any drain that ends by itself. */
const LONG_MS = 60_000;
const CLOSE = /\r\nConnection: close\r\n/g;

/** A port whose events wait for `release`. */
async function openGatedPort() {
  const gate = Promise.withResolvers<void>();
  const opened = await openTestPort();
  opened.ingest.gate = gate.promise;
  return { ...opened, release: gate.resolve };
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const refused = await once(socket, "connect").then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}

test("a port without connections drains at once", async () => {
  const { port, drain } = await openTestPort();
  await drain(LONG_MS);
  expect(await isRefused(port)).toBe(true);
});

test("a request over HTTP/1.1 that is under way is answered, and no new connection is taken", async () => {
  const { port, drain, ingest, release, logged } = await openGatedPort();
  const client = await RawClient.open(port);
  client.send(POST_EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  const drained = drain(LONG_MS);
  await expect.poll(() => isRefused(port), SOON).toBe(true);
  release();
  await client.closed;
  client.socket.destroy();
  await drained;
  expect(client.received).toContain(RECEIVED);
  expect(client.received).toMatch(CLOSE);
  expect(logged).toEqual([]);
});

test("a stream of HTTP/2 that is under way is answered, and its session ends", async () => {
  const { url, drain, ingest, release, logged } = await openGatedPort();
  const { session, request } = openSession(url);
  const answer = request("POST", "/event", EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  const drained = drain(LONG_MS);
  await once(session, "goaway");
  release();
  expect(await answer).toEqual({ status: 200, body: RECEIVED });
  await drained;
  expect(logged).toEqual([]);
});

test("pipelined requests that are under way are all answered, and the last answer tells of the end", async () => {
  const { port, drain, ingest, release } = await openGatedPort();
  const client = await RawClient.open(port);
  client.send(POST_EVENT + POST_EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(2);
  const drained = drain(LONG_MS);
  client.send(POST_EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(3);
  await expect.poll(() => isRefused(port), SOON).toBe(true);
  release();
  await client.closed;
  client.socket.destroy();
  await drained;
  expect(client.answers()).toBe(3);
  expect(client.received.match(CLOSE)?.length).toBe(1);
  expect(client.received.lastIndexOf("Connection: close")).toBeGreaterThan(
    client.received.lastIndexOf("200 OK"),
  );
});

test("of pipelined requests of which a later one is done first, all are answered", async () => {
  const { port, drain, ingest } = await openTestPort();
  const first = Promise.withResolvers<void>();
  Object.defineProperty(ingest, "gate", { get: () => (ingest.calls === 1 ? first.promise : undefined) });
  const client = await RawClient.open(port);
  client.send(POST_EVENT + POST_EVENT);
  await expect.poll(() => ingest.stored.length, SOON).toBe(1);
  const drained = drain(LONG_MS);
  await expect.poll(() => isRefused(port), SOON).toBe(true);
  first.resolve();
  await client.closed;
  client.socket.destroy();
  await drained;
  expect([ingest.stored.length, client.answers()]).toEqual([2, 2]);
});

test("a request behind an answer that ended the connection is not carried out", async () => {
  let calls = 0;
  const { port } = await openTestPort({
    handler: (_, res) => {
      calls += 1;
      res.setHeader("Connection", "close");
      res.end();
    },
  });
  const client = await RawClient.open(port);
  client.send(POST_EVENT + POST_EVENT);
  await client.closed;
  expect({ calls, answers: client.answers() }).toEqual({ calls: 1, answers: 1 });
});

test("a request that comes to an idle connection just after the drain began is answered", async () => {
  const { port, drain, logged } = await openTestPort();
  const [used, unused] = [await RawClient.open(port), await RawClient.open(port)];
  used.send(POST_EVENT);
  await used.answered(1);
  const drained = drain(LONG_MS);
  for (const client of [used, unused]) client.send(POST_EVENT);
  await Promise.all([used.closed, unused.closed]);
  for (const { socket } of [used, unused]) socket.destroy();
  await drained;
  expect([used.answers(), unused.answers()]).toEqual([2, 1]);
  expect(logged).toEqual([]);
});

test("idle connections are closed, whether or not their clients look", async () => {
  const { url, port, drain, logged } = await openTestPort();
  const clients = [await RawClient.open(port), await RawClient.open(port)];
  clients[0]?.send(POST_EVENT);
  await clients[0]?.answered();
  const { session, request } = openSession(url);
  await request("GET", "/health");
  await drain(LONG_MS);
  await Promise.all(clients.map(({ closed }) => closed));
  await expect.poll(() => session.destroyed, SOON).toBe(true);
  expect(logged).toEqual([]);
});

test("a request that is still coming in when idle connections are closed is answered", async () => {
  const { port, drain, logged } = await openTestPort();
  const [slow, idle] = [await RawClient.open(port), await RawClient.open(port)];
  slow.send(POST_EVENT);
  await slow.answered(1);
  slow.send(POST_EVENT.slice(0, 30));
  const drained = drain(LONG_MS);
  await idle.closed;
  slow.send(POST_EVENT.slice(30));
  await slow.closed;
  slow.socket.destroy();
  await drained;
  expect(slow.answers()).toBe(2);
  expect(logged).toEqual([]);
});

test("connections that were made but not yet accepted are served", async () => {
  const { port, drain, logged } = await openTestPort();
  const clients = Array.from({ length: 20 }, () => new RawClient(connect(port, "127.0.0.1")));
  for (const client of clients) client.send(POST_EVENT);
  // The connections are made by the kernel in this turn; the port can accept them in later ones only.
  await new Promise(process.nextTick);
  await drain(LONG_MS);
  await Promise.all(clients.map(({ closed }) => closed));
  expect(clients.map((client) => client.answers())).toEqual(clients.map(() => 1));
  expect(logged).toEqual([]);
});

test("a session that is made while the port drains may send its first request", async () => {
  const { url, drain } = await openTestPort();
  const { session, request } = openSession(url);
  const answer = request("POST", "/event", EVENT);
  await new Promise(process.nextTick);
  await drain(LONG_MS);
  expect(await answer).toEqual({ status: 200, body: RECEIVED });
  await expect.poll(() => session.destroyed, SOON).toBe(true);
});

test.each([
  ["half a request", POST_EVENT.slice(0, -5)],
  ["a request that is never answered", POST_EVENT],
  [
    "a session that its client does not end",
    HTTP2_PREFACE + http2Frame(4, 0, 0, Buffer.alloc(0)).toString("latin1"),
  ],
])("%s is cut at the deadline", async (_, bytes) => {
  const { port, drain, ingest, logged } = await openTestPort();
  ingest.gate = new Promise(() => {});
  const client = await RawClient.open(port);
  client.send(Buffer.from(bytes, "latin1"));
  // An answer of another client says that the bytes have been read.
  const other = await RawClient.open(port);
  other.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await other.closed;
  other.socket.destroy();
  await drain(100);
  await client.closed;
  expect(client.answers()).toBe(0);
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: 40, cut: 1 }]);
});

test("a stream of HTTP/2 that is never answered is cut at the deadline", async () => {
  const { url, drain, ingest, logged } = await openTestPort();
  ingest.gate = new Promise(() => {});
  const { session } = openSession(url);
  const stream = session.request({ ":method": "POST", ":path": "/event" });
  stream.end(EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  const isCut = text(stream).then(
    () => stream.rstCode !== constants.NGHTTP2_NO_ERROR,
    () => true,
  );
  await drain(100);
  expect(await isCut).toBe(true);
  expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: 40, cut: 1 }]);
});
