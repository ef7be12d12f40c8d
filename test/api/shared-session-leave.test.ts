// A session ends: the client is told, and asked whether it has heard; what it has sent before that is answered, and what it
// sends behind that is not carried out (RFC 9113, 6.8).

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { SharedSession } from "../../src/api/shared-session.ts";
import { Code, data, headers, ping, reset, Setting, windowUpdate } from "../http2/client-frames.ts";
import { fieldsOf, getOf, headOf, REST } from "./event-shapes.ts";
import { openTestPort, RawClient, RECEIVED, SOON } from "./port-fixture.ts";
import { RawSession, type RawSessionOptions } from "./raw-session.ts";

const LONG_MS = 60_000;
const MAX_STREAM_ID = 2 ** 31 - 1;
const HEAD = headOf(REST);
const BODY = REST.body("e");

/** A port that drains with a session on which a request was answered, and whose client has not answered the ping. */
async function openLeaving(options: RawSessionOptions = {}, ...before: readonly Buffer[]) {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port, { answersPings: false, ...options });
  session.send(headers(1, HEAD), data(1, BODY), ...before);
  await session.answered(1);
  await session.caughtUp();
  const drained = opened.drain(LONG_MS);
  await session.until(() => session.pings.length > 0);
  expect(session.goaways).toEqual([{ lastId: MAX_STREAM_ID, code: 0 }]);
  /** Says that the client has heard of the end. */
  const hear = () => session.send(ping(session.pings[0] ?? Buffer.of(), true));
  const heard = () => session.until(() => session.goaways.length > 1);
  return { ...opened, session, drained, hear, heard };
}

test("what comes before the client has heard of the end is carried out, and the last GOAWAY names the last stream", async () => {
  const { session, drained, hear, ingest, logged } = await openLeaving();
  session.send(
    headers(3, HEAD),
    data(3, BODY),
    headers(5, getOf("/health"), true),
    headers(7, HEAD),
    data(7, BODY),
  );
  hear();
  await session.closed();
  session.socket.destroy();
  await drained;
  expect(session.goaways.slice(1)).toEqual([{ lastId: 7, code: 0 }]);
  expect([3, 5, 7].map((id) => session.status(id))).toEqual(["200", "200", "200"]);
  expect([ingest.stored.length, logged]).toEqual([3, []]);
});

test("what comes behind that is not carried out", async () => {
  const { session, drained, hear, ingest } = await openLeaving({}, headers(3, HEAD));
  hear();
  await session.until(() => session.goaways.length > 1);
  session.send(
    headers(9, HEAD),
    data(9, BODY),
    headers(11, getOf("/health"), true),
    reset(11),
    data(3, BODY),
  );
  await session.closed();
  session.socket.destroy();
  await drained;
  expect(session.goaways.at(-1)?.lastId).toBe(3);
  expect([...session.answers.keys()]).toEqual([1, 3]);
  expect(ingest.stored.length).toBe(2);
});

test("held streams whose bodies come later are answered, whether others are under way with node:http2 or not", async () => {
  const upload = headOf({ ...REST, path: "/event?a=b" });
  for (const others of [[], [headers(7, upload)]]) {
    const before = [headers(3, HEAD), data(3, BODY.subarray(0, 5), false), headers(5, HEAD), ...others];
    const { session, drained, hear, heard, ingest } = await openLeaving({}, ...before);
    hear();
    await heard();
    for (let n = 0; n < 5; n += 1) await turn();
    session.send(data(5, BODY));
    await session.answered(5);
    session.send(data(3, BODY.subarray(5)));
    if (others.length > 0) session.send(data(7, BODY));
    await session.answered(3, ...(others.length > 0 ? [7] : []));
    expect([3, 5].map((id) => session.answer(id).body)).toEqual([RECEIVED, RECEIVED]);
    expect(ingest.stored.length).toBe(others.length === 0 ? 3 : 4);
    await session.closed();
    session.socket.destroy();
    await drained;
  }
});

test.each([
  ["whose body is wrong", [data(3, "{".padEnd(BODY.length))], "400"],
  ["that are padded", [data(3, BODY, false), Buffer.from("000003000900000003020000", "hex")], "200"],
  ["with trailers", [data(3, BODY, false), headers(3, fieldsOf({ a: "b" }), true)], "200"],
  ["with another length", [data(3, BODY.subarray(1))], Code.protocolError],
] as const)(
  "held streams %s are carried out by node:http2 before the session ends",
  async (_, rest, outcome) => {
    const head = headOf(REST, { "content-length": String(BODY.length) });
    const before = [headers(3, head), headers(5, HEAD)];
    const { session, drained, hear, heard, ingest, logged } = await openLeaving({}, ...before);
    hear();
    await heard();
    session.send(...rest);
    await session.answered(3);
    expect(session.status(3) ?? session.answer(3).reset).toBe(outcome);
    session.send(data(5, BODY));
    await session.answered(5);
    await session.closed();
    session.socket.destroy();
    await drained;
    expect([session.status(5), logged]).toEqual(["200", []]);
    expect(ingest.stored.length).toBe(outcome === "200" ? 3 : 2);
  },
);

test("a held stream that the client resets is not waited for", async () => {
  const { session, drained, hear, heard, ingest } = await openLeaving({}, headers(3, HEAD), headers(5, HEAD));
  hear();
  await heard();
  session.send(data(3, BODY, false), reset(3));
  for (let n = 0; n < 5; n += 1) await turn();
  expect(session.isClosed).toBe(false);
  session.send(reset(5));
  await session.closed();
  session.socket.destroy();
  await drained;
  expect([...session.answers.keys(), ingest.stored.length]).toEqual([1, 1]);
});

test("requests that are being stored are answered before the session ends", async () => {
  const { port, ingest, drain } = await openTestPort();
  const gate = Promise.withResolvers<void>();
  ingest.gate = gate.promise;
  const session = await RawSession.open(port);
  session.send(
    headers(1, HEAD),
    data(1, BODY),
    headers(3, headOf({ ...REST, path: "/event?a=b" })),
    data(3, BODY),
  );
  await expect.poll(() => ingest.calls, SOON).toBe(2);
  const drained = drain(LONG_MS);
  await session.until(() => session.goaways.length > 0);
  for (let n = 0; n < 5; n += 1) await turn();
  expect(session.goaways.length).toBe(1);
  gate.resolve();
  await session.answered(1, 3);
  await session.closed();
  session.socket.destroy();
  await drained;
  expect([1, 3].map((id) => session.answer(id).body)).toEqual([RECEIVED, RECEIVED]);
});

test("a client that does not say that it has heard is left after 500 ms", async () => {
  const startedAt = performance.now();
  const { session } = await openLeaving();
  await session.closed();
  const tookMs = performance.now() - startedAt;
  expect(session.goaways).toEqual([
    { lastId: MAX_STREAM_ID, code: 0 },
    { lastId: 1, code: 0 },
  ]);
  expect(tookMs).toBeGreaterThan(490);
  expect(tookMs).toBeLessThan(5000);
});

test("another answer to a ping says nothing about the end", async () => {
  const { port, drain } = await openTestPort();
  const session = await RawSession.open(port, { answersPings: false });
  const drained = drain(LONG_MS);
  await session.until(() => session.pings.length > 0);
  session.send(ping("farewell"));
  await session.until(() => session.pongs.includes("farewell"));
  expect(session.goaways.length).toBe(1);
  session.send(ping("farewell", true));
  await session.until(() => session.goaways.length > 1);
  session.socket.destroy();
  await drained;
});

test("answers that wait for the window are given before the session ends", async () => {
  const { port, drain, ingest } = await openTestPort();
  const session = await RawSession.open(port, { givesWindow: false });
  // Answers of 28 bytes, for which there is no room in the end.
  const all = Array.from({ length: 2400 }, (_, n) => 1 + 2 * n);
  for (let at = 0; at < all.length; at += 200) {
    const some = all.slice(at, at + 200);
    session.send(...some.flatMap((id) => [headers(id, HEAD), data(id, BODY)]));
    await expect.poll(() => ingest.stored.length, SOON).toBe(at + 200);
  }
  const drained = drain(LONG_MS);
  await session.until(() => session.goaways.length > 1);
  expect(session.isClosed).toBe(false);
  session.send(windowUpdate(0, 1000), windowUpdate(0, 1000), windowUpdate(0, 100_000));
  await session.answered(...all);
  await session.closed();
  session.socket.destroy();
  await drained;
  expect(all.every((id) => session.answer(id).body === RECEIVED)).toBe(true);
});

test.each([
  ["a held stream", [headers(3, HEAD), data(3, "{", false)], {}],
  [
    "an answer that waits",
    [headers(3, HEAD, false), data(3, BODY)],
    { settings: [[Setting.initialWindowSize, 0] as const] },
  ],
])(
  "a client that goes while a session that ends waits for %s does not keep it",
  async (_, before, options) => {
    const opened = await openTestPort();
    const session = await RawSession.open(opened.port, { ...options, answersPings: true });
    session.send(headers(1, getOf("/nowhere"), true), ...before);
    await session.until(() => session.status(1) === "404");
    await session.caughtUp();
    const drained = opened.drain(LONG_MS);
    await session.until(() => session.goaways.length > 1);
    session.socket.end();
    await drained;
    expect(opened.logged).toEqual([]);
  },
);

test("a client that says that it leaves gets its answers, and then the end", async () => {
  const { port, ingest } = await openTestPort();
  const gate = Promise.withResolvers<void>();
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, "", false), headers(3, HEAD), data(3, BODY));
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  ingest.gate = gate.promise;
  session.send(Buffer.from("000008070000000000" + "0000000000000000", "hex"));
  await session.until(() => session.goaways.length > 0);
  for (let n = 0; n < 5; n += 1) await turn();
  session.send(data(1, BODY));
  gate.resolve();
  await session.answered(1, 3);
  await session.closed();
  expect([1, 3].map((id) => session.answer(id).body)).toEqual([RECEIVED, RECEIVED]);
});

test("a client that has the end and never closes its side is cut when the session has been idle for long", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, accepted.resolve).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const client = await RawClient.open((server.address() as AddressInfo).port);
  const socket = await accepted.promise;
  const session = new SharedSession(socket, {
    ...{ takerOf: () => undefined, close: () => {}, logger: pino({ level: "silent" }) },
    ...{ maxHeaderListBytes: 16_384, maxConcurrentStreams: 10, headersTimeoutMs: LONG_MS },
  });
  session.nodeConnection.end();
  await client.closed;
  expect(socket.destroyed).toBe(false);
  session.leave();
  expect(socket.destroyed).toBe(true);
});

test("a session without a request in time ends, and its client is told; one that has had a request stays", async () => {
  const { port } = await openTestPort({ headersTimeoutMs: 200 });
  const used = await RawSession.open(port, { first: [headers(1, HEAD), data(1, BODY)] });
  await used.answered(1);
  const unused = await RawSession.open(port);
  await unused.closed();
  expect(unused.goaways[0]).toEqual({ lastId: MAX_STREAM_ID, code: Code.noError });
  used.send(headers(3, HEAD), data(3, BODY));
  await used.answered(3);
  expect([used.status(3), used.goaways]).toEqual(["200", []]);
});
