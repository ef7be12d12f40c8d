// The port in clear text, with clients that keep to their protocol.

import { expect, test } from "vitest";
import {
  dribbleTo,
  EVENT,
  expectNoConnections,
  expectServes,
  HTTP2_PREFACE,
  http1,
  openSession,
  openTestPort,
  POST_EVENT,
  RawClient,
  RECEIVED,
} from "./port-fixture.ts";

const RPC = "/analytics.v1.AnalyticsService";
const JSON_TYPE = { "Content-Type": "application/json" };
const RPC_EVENT = JSON.stringify({ siteId: "s", eventType: "page_view", eventId: "e" });
const RPC_ANSWER = '{"message":"Event received", "eventId":"e"}';

test("the port that was free is named in the URL", async () => {
  const { url, port } = await openTestPort();
  expect(port).toBeGreaterThan(0);
  expect(url).toBe(`http://127.0.0.1:${port}`);
});

test("REST and RPCs are served over HTTP/1.1 and HTTP/2 on the one port", async () => {
  const { url, port, ingest } = await openTestPort();
  const client = await RawClient.open(port);
  client.send(POST_EVENT);
  await client.answered(1);
  client.send(http1(`POST ${RPC}/IngestEvent`, RPC_EVENT, JSON_TYPE));
  await client.answered(2);
  expect(client.received).toContain(RECEIVED);
  const { request } = openSession(url);
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 200, body: RECEIVED });
  const { status, body } = await request("POST", `${RPC}/IngestEvent`, RPC_EVENT, JSON_TYPE);
  expect({ status, body: JSON.parse(body) }).toEqual({ status: 200, body: JSON.parse(RPC_ANSWER) });
  expect(ingest.stored.length).toBe(4);
});

test("HTTP/2 that arrives byte by byte is served", async () => {
  const { port, ingest } = await openTestPort();
  const { request } = openSession(`http://127.0.0.1:${await dribbleTo(port)}`);
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 200, body: RECEIVED });
  expect(ingest.stored.length).toBe(1);
});

test("HTTP/1.1 that arrives byte by byte is served", async () => {
  const { port, ingest } = await openTestPort();
  const client = await RawClient.open(await dribbleTo(port));
  client.send(POST_EVENT + POST_EVENT);
  await client.answered(2);
  expect(ingest.stored.length).toBe(2);
});

test.each([
  ["POST", 200],
  ["PUT", 405],
  ["PATCH", 405],
  ["PROPFIND", 405],
])(
  "the method %s, which begins as HTTP/2 does, is HTTP/1.1 also when it comes in two parts",
  async (...row) => {
    const [method, status] = row;
    const { port } = await openTestPort();
    const whole = await RawClient.open(port);
    whole.send(http1(`${method} /event`, EVENT));
    await whole.answered(1, status);
    const dribbled = await RawClient.open(await dribbleTo(port));
    dribbled.send(http1(`${method} /event`, EVENT));
    await dribbled.answered(1, status);
  },
);

test("a request that comes with the end of what its client sends is answered", async () => {
  const { port } = await openTestPort();
  const client = await RawClient.open(port);
  client.socket.end(POST_EVENT);
  await client.answered();
});

test("connections that have spoken outlive the time that they had for it", async () => {
  const { url, port } = await openTestPort({ headersTimeoutMs: 100 });
  const client = await RawClient.open(port);
  client.send(POST_EVENT);
  await client.answered(1);
  const { request } = openSession(url);
  await request("POST", "/event", EVENT);
  const silent = await RawClient.open(port);
  await silent.closed;
  client.send(POST_EVENT);
  await client.answered(2);
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 200, body: RECEIVED });
});

test("clients that are gone leave no connection behind", async () => {
  const opened = await openTestPort();
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(opened.port)));
  clients[1]?.send(HTTP2_PREFACE.slice(0, 10));
  clients[2]?.send(POST_EVENT.slice(0, 10));
  clients[3]?.send(HTTP2_PREFACE);
  clients[4]?.send(POST_EVENT);
  await clients[4]?.answered();
  await expectServes(opened);
  for (const { socket } of clients) socket.destroy();
  await expectNoConnections(opened);
});

test("an exception in a handler is answered with 500 and logged, and the port serves on", async () => {
  let isBroken = true;
  const opened = await openTestPort({
    handler: (_, res) => {
      if (isBroken) throw new Error("a bug");
      res.end("fine");
    },
  });
  const client = await RawClient.open(opened.port);
  client.send(POST_EVENT);
  await client.answered(1, 500);
  const { request } = openSession(opened.url);
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 500, body: "" });
  isBroken = false;
  expect(await request("GET", "/")).toEqual({ status: 200, body: "fine" });
  client.send(POST_EVENT);
  await client.answered(1, 200);
  expect(opened.logged.length).toBe(2);
  for (const line of opened.logged) expect(JSON.parse(line)).toMatchObject({ err: { message: "a bug" } });
});

test("an exception in a handler that has begun its answer does no harm to others", async () => {
  const opened = await openTestPort({
    handler: (req, res) => {
      res.end(`${req.url}`);
      throw new Error("a bug");
    },
  });
  const { request } = openSession(opened.url);
  expect(await request("GET", "/1")).toEqual({ status: 200, body: "/1" });
  expect(await request("GET", "/2")).toEqual({ status: 200, body: "/2" });
});

test("a port that is in use is explained", async () => {
  const { port } = await openTestPort();
  await expect(openTestPort({ port })).rejects.toMatchObject({
    code: "EADDRINUSE",
    message:
      `cannot listen on 127.0.0.1:${port}: another program listens there: stop it, ` +
      "or choose another with --port or FOOTFALL_PORT",
  });
});

test("an address that this machine does not have is explained", async () => {
  await expect(openTestPort({ host: "192.0.2.1" })).rejects.toMatchObject({
    code: "EADDRNOTAVAIL",
    message: expect.stringContaining("choose another with --host or FOOTFALL_HOST"),
  });
});
