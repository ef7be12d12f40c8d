// The port in clear text, with clients that break off, stall, or send what is not HTTP. It serves on after each.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  EVENT,
  expectNoConnections,
  expectServes,
  HTTP2_PREFACE,
  http1,
  http2Field,
  http2Frame,
  openSession,
  openTestPort,
  POST_EVENT,
  RawClient,
  SOON,
} from "./port-fixture.ts";

const [DATA, HEADERS, SETTINGS, GOAWAY] = [0, 1, 4, 7];
const END_HEADERS = 4;
const EMPTY_SETTINGS = http2Frame(SETTINGS, 0, 0, Buffer.alloc(0));
const RPC_EVENT = "/analytics.v1.AnalyticsService/IngestEvent";
const GET_RPC = http1("GET /analytics.v1.AnalyticsService/GetStats?connect=v1&encoding=json&message=%7B%7D");

const HALF_BLOCK = Buffer.concat([
  EMPTY_SETTINGS,
  http2Frame(HEADERS, 0, 1, http2Field(":method", "POST")),
]).toString("latin1");

/** The head of a request over HTTP/2, of which a body is to follow. */
function http2Post(path: string): Buffer {
  const fields = [
    http2Field(":method", "POST"),
    http2Field(":path", path),
    http2Field(":scheme", "http"),
    http2Field(":authority", "x"),
    http2Field("content-type", "application/json"),
  ];
  return http2Frame(HEADERS, END_HEADERS, 1, Buffer.concat(fields));
}

test.each([
  ["nothing", ""],
  ["half a preface of HTTP/2", HTTP2_PREFACE.slice(0, 14)],
  ["a preface of HTTP/2", HTTP2_PREFACE],
  ["a preface and settings of HTTP/2", `${HTTP2_PREFACE}${EMPTY_SETTINGS.toString("latin1")}`],
  ["half a frame of HTTP/2", `${HTTP2_PREFACE}${EMPTY_SETTINGS.toString("latin1")}\0\0`],
  ["half a header block of HTTP/2", `${HTTP2_PREFACE}${HALF_BLOCK}`],
  ["half a head", POST_EVENT.slice(0, 40)],
  ["the first byte of a method", "P"],
])("a client that sends %s and then is silent is let go", { timeout: 5000 }, async (_, bytes) => {
  const opened = await openTestPort({ headersTimeoutMs: 100 });
  const client = await RawClient.open(opened.port);
  client.send(Buffer.from(bytes, "latin1"));
  await client.closed;
  client.socket.destroy();
  await expectServes(opened);
  expect(opened.ingest.stored.length).toBe(2);
  await expectNoConnections(opened);
});

test.each([
  ["nothing", ""],
  ["half a preface of HTTP/2", HTTP2_PREFACE.slice(0, 14)],
  ["a preface of HTTP/2", HTTP2_PREFACE],
  ["half a head", POST_EVENT.slice(0, 40)],
  ["half a body", POST_EVENT.slice(0, -10)],
  ["a request", POST_EVENT],
  ["an RPC", GET_RPC],
  ["RPCs one behind the other", GET_RPC.repeat(3)],
  [
    "RPCs one behind the other, the last without its end",
    GET_RPC + http1(`POST ${RPC_EVENT}`, EVENT).slice(0, -10),
  ],
])("a client that sends %s and then resets the connection does no harm", async (_, bytes) => {
  const opened = await openTestPort();
  for (const turnsBefore of [0, 1, 2, 3, 5, 8]) {
    const client = await RawClient.open(opened.port);
    if (bytes !== "") client.send(bytes);
    for (let n = 0; n < turnsBefore; n += 1) await turn();
    client.socket.resetAndDestroy();
    await client.closed;
  }
  await expectServes(opened);
  await expectNoConnections(opened);
});

test.each([
  ["half a preface of HTTP/2", HTTP2_PREFACE.slice(0, 14)],
  ["half a head", POST_EVENT.slice(0, 40)],
  ["half a body", POST_EVENT.slice(0, -10)],
  ["a preface of HTTP/2", HTTP2_PREFACE],
])("a client that ends after %s gets its connection closed, and nothing is stored", async (_, bytes) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.socket.end(bytes);
  await client.closed;
  expect(client.answers(200)).toBe(0);
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
  await expectNoConnections(opened);
});

test.each([
  ["a preface that turns out to be none", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"],
  ["the method PRI", http1("PRI /event", EVENT)],
  ["a preface of another version", "PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n"],
  ["no HTTP at all", "\0\x01\xff\xfe hello\r\n\r\n"],
  ["a TLS handshake", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
  ["an unknown method", http1("NONSENSE /event", EVENT)],
  ["two different lengths", http1("POST /event", EVENT, { "content-length": "5" })],
  ["a length and chunks", http1("POST /event", EVENT, { "Transfer-Encoding": "chunked" })],
  ["a request without Host", "GET /health HTTP/1.1\r\n\r\n"],
])("%s is answered with 400 and closed", async (_, bytes) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.send(Buffer.from(bytes, "latin1"));
  await client.closed;
  expect(client.answers(400)).toBe(1);
  client.socket.destroy();
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
  await expectNoConnections(opened);
});

test.each([
  ["GET /health", 200],
  [`POST ${RPC_EVENT}`, 400],
])("%s of HTTP/1.0 without Host is answered with %i", async (line, status) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.send(`${line} HTTP/1.0\r\nContent-Type: application/json\r\n\r\n`);
  await client.closed;
  expect(client.answers(status)).toBe(1);
  await expectServes(opened);
});

test("a pipelined request that expects to be asked for its body is answered behind the one before", async () => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  const first = http1("POST /event", EVENT, { "X-Other": "field" });
  client.send(first + http1("POST /event", "{}", { Expect: "100-continue", Connection: "close" }));
  await client.closed;
  expect(client.bytes.toString()).toMatch(/^HTTP\/1.1 200 .*}HTTP\/1.1 400 .*\r\n\r\n{"error":"[^"]*"}$/s);
  expect(client.bytes.toString()).not.toContain("100 Continue");
});

test("a request that expects to be asked for its body is asked", async () => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  const request = http1("POST /event", EVENT, { Expect: "100-continue", Connection: "close" });
  client.send(request.slice(0, -EVENT.length));
  await expect.poll(() => client.bytes.toString(), SOON).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  client.send(EVENT);
  await client.closed;
  expect(client.answers(200)).toBe(1);
});

test("a head that is too large is answered with 431", async () => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.send(http1("POST /event", EVENT, { "X-Large": "x".repeat(100_000) }));
  await client.closed;
  expect(client.answers(431)).toBe(1);
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
});

test("a head of HTTP/2 that is too large is refused, and nothing is stored", async () => {
  const opened = await openTestPort();
  const { request } = openSession(opened.url, { maxSendHeaderBlockLength: 1_000_000 });
  // The limit is in force once the client has acknowledged the settings.
  await request("GET", "/health");
  const large = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, "x".repeat(8000)]));
  await expect(request("POST", "/event", EVENT, large)).rejects.toThrow();
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
});

test.each([
  ["zeros", Buffer.alloc(100)],
  ["a frame that is too large", http2Frame(DATA, 0, 1, Buffer.alloc(20_000))],
  ["a frame for a stream that is not open", http2Frame(DATA, 0, 1, Buffer.from(EVENT))],
  ["HTTP/1.1", Buffer.from(POST_EVENT)],
  ["bytes that are no header fields", http2Frame(HEADERS, END_HEADERS, 1, Buffer.alloc(50, 0xff))],
])("%s after a good preface of HTTP/2 end the session", async (_, garbage) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.send(Buffer.concat([Buffer.from(HTTP2_PREFACE), EMPTY_SETTINGS, garbage]));
  await client.closed;
  client.socket.destroy();
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
  await expectNoConnections(opened);
});

test("a session that goes wrong is told so with GOAWAY", async () => {
  const { port } = await openTestPort();
  const client = await RawClient.open(port);
  client.send(Buffer.concat([Buffer.from(HTTP2_PREFACE), EMPTY_SETTINGS, Buffer.alloc(100)]));
  await client.closed;
  expect(frameTypes(client.bytes)).toContain(GOAWAY);
});

function frameTypes(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    types.push(bytes.readUInt8(at + 3));
  return types;
}

test.each([
  ["/event", "POST /event"],
  ["the RPC IngestEvent", `POST ${RPC_EVENT}`],
])("a body for %s that is cut off over HTTP/1.1 stores nothing", async (_, line) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  client.send(http1(line, EVENT, { "Content-Type": "application/json", "Content-Length": "100" }));
  for (let n = 0; n < 5; n += 1) await turn();
  client.socket.resetAndDestroy();
  await expectServes(opened);
  expect(opened.ingest.calls).toBe(2);
  await expectNoConnections(opened);
});

test.each(["/event", RPC_EVENT])("a body for %s that is cut off over HTTP/2 stores nothing", async (path) => {
  const opened = await openTestPort();
  const client = await RawClient.open(opened.port);
  const body = http2Frame(DATA, 0, 1, Buffer.from(EVENT));
  client.send(Buffer.concat([Buffer.from(HTTP2_PREFACE), EMPTY_SETTINGS, http2Post(path), body]));
  for (let n = 0; n < 5; n += 1) await turn();
  client.socket.resetAndDestroy();
  await expectServes(opened);
  expect(opened.ingest.calls).toBe(2);
  await expectNoConnections(opened);
});
