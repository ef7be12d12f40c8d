// What a client does against the protocol ends its session, with the code that says why, or its stream. Nothing of it is
// stored, what was taken before is answered before, and the port serves on.

import { expect, test } from "vitest";
import { literalBlock } from "../../src/http2/hpack.ts";
import { http2Frame } from "../http2/bytes.ts";
import {
  Code,
  data,
  Flag,
  headers,
  numbers,
  reset,
  Setting,
  settings,
  Type,
  windowUpdate,
} from "../http2/client-frames.ts";
import { fieldsOf, getOf, headOf, REST } from "./event-shapes.ts";
import { expectServes, openTestPort, RECEIVED, SOON } from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

const HEAD = headOf(REST);
const BLOCK = literalBlock(HEAD);
const BODY = REST.body("e");
const MAX_WINDOW = 2 ** 31 - 1;
const FIRST_WINDOW = 65_535;
const { protocolError, internalError, flowControlError, frameSizeError, compressionError, enhanceYourCalm } =
  Code;
const NOT_INDEXED = Buffer.of(0x80 | 70);
const frame = (type: number, flags: number, id: number, payload: Buffer = Buffer.of()) =>
  http2Frame(type, flags, id, payload);
const many = (count: number, one: Buffer) => Array.from({ length: count }, () => one);
const LONG = literalBlock(fieldsOf({ x: "y".repeat(16_000) }));

type Wrong = readonly [what: string, code: number, ...frames: readonly Buffer[]];
/** For test.each, which has no name for the rest of a row. */
const rows = (wrong: readonly Wrong[]) =>
  wrong.map(([what, code, ...frames]) => [what, code, frames] as const);

/** What is sent behind an answered request on stream 1, and the code that ends the session. */
const WRONG: readonly Wrong[] = [
  ["DATA on a stream that was never opened", protocolError, data(3, BODY)],
  ["DATA on stream 0", protocolError, data(0, BODY)],
  ["DATA on an even stream", protocolError, data(2, BODY)],
  ["HEADERS on stream 0", protocolError, headers(0, HEAD), data(0, BODY)],
  ["HEADERS on an even stream", protocolError, headers(4, HEAD), data(4, BODY)],
  [
    "HEADERS on an even stream below the last one",
    protocolError,
    headers(9, HEAD),
    headers(2, HEAD),
    data(2, BODY),
  ],
  ["a header block with DATA in it", protocolError, frame(Type.headers, 0, 3, BLOCK), data(3, BODY)],
  [
    "a header block with PING in it",
    protocolError,
    frame(Type.headers, 0, 3, BLOCK),
    frame(Type.ping, 0, 0, Buffer.alloc(8)),
  ],
  [
    "a header block with an unknown frame in it",
    protocolError,
    frame(Type.headers, 0, 3, BLOCK),
    frame(Type.unknown, 4, 3),
  ],
  [
    "a header block with another one in it",
    protocolError,
    frame(Type.headers, 0, 3, BLOCK),
    headers(5, HEAD),
  ],
  [
    "CONTINUATION of another stream",
    protocolError,
    frame(Type.headers, 0, 3, BLOCK),
    frame(Type.continuation, 4, 5),
  ],
  ["CONTINUATION of nothing", protocolError, frame(Type.continuation, Flag.endHeaders, 3, BLOCK)],
  [
    "PUSH_PROMISE",
    protocolError,
    frame(Type.pushPromise, Flag.endHeaders, 1, Buffer.concat([numbers(2), BLOCK])),
  ],
  [
    "RST_STREAM of three bytes",
    frameSizeError,
    headers(3, HEAD),
    frame(Type.rstStream, 0, 3, Buffer.alloc(3)),
  ],
  ["RST_STREAM of a stream that was never opened", protocolError, reset(3)],
  ["RST_STREAM of stream 0", protocolError, reset(0)],
  ["WINDOW_UPDATE of five bytes", frameSizeError, frame(Type.windowUpdate, 0, 0, Buffer.alloc(5))],
  ["WINDOW_UPDATE of a stream that was never opened", protocolError, windowUpdate(3, 1)],
  ["a window of the session that grows by 0", protocolError, windowUpdate(0, 0)],
  ["a window of a stream that is held that grows by 0", protocolError, headers(3, HEAD), windowUpdate(3, 0)],
  ["a window of the session that grows too large", flowControlError, windowUpdate(0, MAX_WINDOW)],
  [
    "one that grows too large in the end",
    flowControlError,
    windowUpdate(0, MAX_WINDOW - FIRST_WINDOW),
    windowUpdate(0, 200),
  ],
  ["a window of streams that is too large", flowControlError, settings([Setting.initialWindowSize, 2 ** 31])],
  ["SETTINGS of two bytes", frameSizeError, frame(Type.settings, 0, 0, Buffer.alloc(2))],
  ["PING of one byte", frameSizeError, frame(Type.ping, 0, 0, Buffer.alloc(1))],
  ["DATA of more than 16384 bytes", frameSizeError, headers(3, HEAD), data(3, Buffer.alloc(16_385, " "))],
  ["a frame whose length is the largest", frameSizeError, Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1])],
  [
    "CONTINUATION without end",
    enhanceYourCalm,
    frame(Type.headers, 0, 3, BLOCK),
    ...many(20, frame(Type.continuation, 0, 3)),
  ],
  [
    "a header block of more than 64 KiB",
    enhanceYourCalm,
    frame(Type.headers, 0, 3, BLOCK),
    ...many(5, frame(Type.continuation, 0, 3, LONG)),
  ],
  ["a header block that is no HPACK", compressionError, frame(Type.headers, 5, 3, Buffer.alloc(9, 0xff))],
  ["a header field that no table has", compressionError, frame(Type.headers, 5, 3, NOT_INDEXED)],
  [
    "HEADERS of which all is padding",
    protocolError,
    frame(Type.headers, 0xc, 3, Buffer.concat([Buffer.of(250), BLOCK])),
  ],
  [
    "DATA of which all is padding",
    protocolError,
    headers(3, HEAD),
    frame(Type.data, 9, 3, Buffer.of(250, 1)),
  ],
  // As by node:http2 alone.
  [
    "a body that is longer than its head says",
    internalError,
    headers(3, headOf(REST, { "content-length": "3" })),
    data(3, BODY),
  ],
  [
    "HEADERS that are too short for their priority",
    frameSizeError,
    frame(Type.headers, 0x24, 3, Buffer.of(1, 2)),
  ],
];

test.each(rows(WRONG))("%s ends the session with code %i", async (_, code, frames) => {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port, { givesWindow: false });
  session.send(headers(1, getOf("/health"), true));
  await session.answered(1);
  session.send(...frames);
  await session.closed();
  expect(session.goaways.map((goaway) => goaway.code)).toEqual([code]);
  session.socket.destroy();
  expect(opened.ingest.calls).toBe(0);
  await expectServes(opened);
  expect(opened.logged).toEqual([]);
});

/** What is wrong with one stream, and the code with which that is reset, as by node:http2. */
const WRONG_STREAMS: readonly Wrong[] = [
  ["a head without any field", protocolError, headers(3, []), data(3, BODY)],
  ["a head twice", protocolError, headers(3, HEAD), headers(3, HEAD), data(3, BODY)],
  [
    "a length above the body's",
    protocolError,
    headers(3, headOf(REST, { "content-length": "300" })),
    data(3, BODY),
  ],
  ["a name with a capital", protocolError, headers(3, headOf(REST, { "X-A": "b" })), data(3, BODY)],
  [
    "header fields of more than 16 KiB",
    enhanceYourCalm,
    headers(3, headOf(REST, { a: "a".repeat(8000), b: "b".repeat(8200), c: "d" })),
    data(3, BODY),
  ],
  [
    "more header fields than node:http2 takes",
    enhanceYourCalm,
    headers(3, headOf(REST, Object.fromEntries(Array.from({ length: 150 }, (_, n) => [`x-${n}`, ""])))),
    data(3, BODY),
  ],
];

test.each(rows(WRONG_STREAMS))(
  "%s ends the stream with code %i, and the session goes on",
  async (_, code, frames) => {
    const opened = await openTestPort();
    const session = await RawSession.open(opened.port);
    session.send(headers(1, HEAD), data(1, BODY));
    await session.answered(1);
    session.send(...frames, headers(5, HEAD), data(5, BODY));
    await session.answered(3, 5);
    expect([session.answer(3).reset, session.status(3), session.status(5)]).toEqual([code, undefined, "200"]);
    expect([opened.ingest.stored.length, session.goaways]).toEqual([2, []]);
  },
);

test("HEADERS on a lower stream that was never opened are nothing, as for node:http2", async () => {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port);
  session.send(headers(5, HEAD), headers(3, HEAD), data(3, BODY), data(5, BODY));
  await session.answered(5);
  await session.caughtUp();
  expect([session.status(5), [...session.answers.keys()], session.goaways]).toEqual(["200", [5], []]);
  expect(opened.ingest.stored.length).toBe(1);
});

test("what was taken before is answered, and then the session ends", async () => {
  const { port, ingest } = await openTestPort();
  const gate = Promise.withResolvers<void>();
  ingest.gate = gate.promise;
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY), headers(3, HEAD), data(3, "{", false), data(9, BODY));
  await session.until(() => session.goaways.length > 0);
  expect([session.goaways, session.isClosed]).toEqual([[{ lastId: 3, code: protocolError }], false]);
  session.send(data(3, BODY));
  gate.resolve();
  await session.closed();
  expect([session.answer(1).body, session.answers.has(3)]).toEqual([RECEIVED, false]);
  expect(ingest.stored.length).toBe(1);
});

test("a client that goes when its session has been ended for an error leaves nothing behind", async () => {
  const { port, ingest, drain, logged } = await openTestPort();
  ingest.gate = new Promise(() => {});
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY), data(9, BODY));
  await session.until(() => session.goaways.length > 0);
  session.socket.resetAndDestroy();
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  await drain(5000);
  expect(logged).toEqual([]);
});
