// What a client asks for at once is answered bit by bit.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Handler } from "../../src/api/node-http.ts";
import type { HeaderField } from "../../src/http2/hpack.ts";
import { headers, Setting, windowUpdate } from "../http2/client-frames.ts";
import { http1, openTestPort, RawClient, SOON } from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

const LARGE = Buffer.alloc(2 ** 20, "a");
const ASKED = 100;
const WHOLE_WINDOW = [windowUpdate(0, 2 ** 30)];
const GET: readonly HeaderField[] = [
  { name: ":method", value: "GET" },
  { name: ":path", value: "/large" },
  { name: ":scheme", value: "http" },
  { name: ":authority", value: "x" },
];

/** A handler that answers a megabyte each time; how often it was called, and at most in two turns that follow each other. */
function largeAnswers() {
  const calls = { count: 0, most: 0 };
  let inTurn = 0;
  const handler: Handler = (_, res) => {
    calls.count += 1;
    inTurn += 1;
    calls.most = Math.max(calls.most, inTurn);
    setImmediate(() => {
      inTurn = 0;
    });
    res.end(LARGE);
  };
  return { calls, handler };
}

test("over HTTP/1.1, pipelined requests wait for their turn, and for the client to read", async () => {
  const { calls, handler } = largeAnswers();
  const { port } = await openTestPort({ handler, hasLargeAnswer: () => true });
  const client = await RawClient.open(port);
  client.socket.pause();
  client.send(http1("GET /large").repeat(ASKED));
  await expect.poll(() => calls.count, SOON).toBeGreaterThan(1);
  for (let turns = 0; turns < 1000; turns += 1) await turn();
  expect(calls.count).toBeLessThan(ASKED / 2);
  client.socket.resume();
  await expect.poll(() => client.socket.bytesRead, SOON).toBeGreaterThan(ASKED * LARGE.length);
  expect(client.answers()).toBe(ASKED);
  expect(calls.count).toBe(ASKED);
  expect(calls.most).toBeLessThan(9);
});

test.each([
  ["with windows for all", WHOLE_WINDOW],
  ["with the windows that sessions begin with", []],
])("over HTTP/2, streams %s wait for their turn, and for the client to read", async (_, windows) => {
  const { calls, handler } = largeAnswers();
  const { port } = await openTestPort({ handler, hasLargeAnswer: () => true });
  const session = await RawSession.open(port, { settings: [[Setting.initialWindowSize, 2 ** 30]] });
  session.socket.pause();
  const streams = Array.from({ length: ASKED }, (_, index) => 2 * index + 1);
  session.send(...windows, ...streams.map((id) => headers(id, GET, true)));
  await expect.poll(() => calls.count, SOON).toBeGreaterThan(1);
  for (let turns = 0; turns < 1000; turns += 1) await turn();
  expect(calls.count).toBeLessThan(ASKED / 2);
  session.socket.resume();
  await session.answered(...streams);
  expect(session.dataBytes).toBe(ASKED * LARGE.length);
  expect(calls.count).toBe(ASKED);
  expect(calls.most).toBeLessThan(9);
});

test("who asks without end, and does not read, is let go", async () => {
  const { calls, handler } = largeAnswers();
  const { port } = await openTestPort({ handler, hasLargeAnswer: () => true });
  const client = await RawClient.open(port);
  client.socket.pause();
  client.send(http1("GET /large").repeat(10_000));
  client.socket.resume();
  await client.closed;
  expect(calls.count).toBeLessThan(ASKED);
});

test("who does not read gets an answer a second, so that others of the connection are not held up for good", async () => {
  const { calls, handler } = largeAnswers();
  const { port } = await openTestPort({ handler, hasLargeAnswer: ({ url }) => url !== "/small" });
  const session = await RawSession.open(port, { givesWindow: false });
  const streams = Array.from({ length: ASKED }, (_, index) => 2 * index + 1);
  session.send(...streams.map((id) => headers(id, GET, true)));
  for (let turns = 0; turns < 1000; turns += 1) await turn();
  const { count } = calls;
  expect(count).toBeLessThan(ASKED / 2);
  const small = GET.map((field) => (field.name === ":path" ? { ...field, value: "/small" } : field));
  session.send(headers(2 * ASKED + 1, small, true));
  await expect.poll(() => calls.count, SOON).toBeGreaterThan(count);
  await expect.poll(() => calls.count, SOON).toBeGreaterThan(count + 2);
});
