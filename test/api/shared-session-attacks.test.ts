// Clients that ask for more than a server has, or bend the rules: what they send costs them their stream or their session,
// and nobody else anything.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { shapeOf } from "../../src/api/ingest-shapes.ts";
import type { PlainTaker } from "../../src/api/plain-taker.ts";
import { http2Frame } from "../http2/bytes.ts";
import {
  Code,
  data,
  headers,
  numbers,
  ping,
  reset,
  Setting,
  settings,
  Type,
  windowUpdate,
} from "../http2/client-frames.ts";
import { getOf, headOf, REST } from "./event-shapes.ts";
import { expectServes, openTestPort, SOON } from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

const HEAD = headOf(REST);
const BODY = REST.body("e");
/** Fields that count more than 16 KiB together, as each counts 32 bytes more; what a proxy says comes last. */
const MANY = Array.from({ length: 400 }, (_, n) => ({ name: `x-${n}`, value: "x".repeat(20) }));
const LONG = [...MANY, { name: "x-forwarded-for", value: "192.0.2.1" }];

test("a list of fields that is too long is nobody's, also before the client knows how long it may be", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  session.send(
    ...[headers(1, [...HEAD, ...LONG]), data(1, BODY)],
    headers(3, [...getOf("/health"), ...LONG], true),
    ...[headers(5, HEAD), data(5, BODY)],
  );
  await session.answered(1, 3, 5);
  expect([1, 3, 5].map((id) => session.status(id) ?? session.answer(id).reset)).toEqual([
    ...[Code.enhanceYourCalm, Code.enhanceYourCalm, "200"],
  ]);
  expect(ingest.stored.length).toBe(1);
});

test("trailers that are too long end their stream, whoever has it, and nothing of it is stored", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  session.send(
    ...[headers(1, HEAD), data(1, BODY, false), headers(1, LONG, true)],
    ...[headers(3, headOf({ ...REST, path: "/event?a=b" })), data(3, BODY, false), headers(3, LONG, true)],
  );
  await session.answered(1, 3);
  expect([1, 3].map((id) => session.answer(id).reset)).toEqual([Code.enhanceYourCalm, Code.enhanceYourCalm]);
  session.send(headers(5, HEAD), data(5, BODY));
  await session.answered(5);
  expect(ingest.stored.length).toBe(1);
});

test.each([
  ["pings", ping("12345678")],
  ["settings", settings([Setting.initialWindowSize, 65_535])],
])("a flood of %s ends the session", async (_, frame) => {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port);
  const flood = Buffer.concat(Array.from({ length: 5000 }, () => frame));
  for (let n = 0; n < 20 && !session.isClosed; n += 1) session.send(flood);
  await session.closed();
  expect(session.goaways.at(-1)?.code).not.toBe(Code.noError);
  await expectServes(opened);
});

test("a client that resets more streams at once than node:http2 takes loses its session", async () => {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port);
  const openAndReset = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => from + 2 * n).flatMap((id) => [
      headers(id, getOf("/nowhere"), true),
      reset(id),
    ]);
  session.send(...openAndReset(1, 1000));
  await session.caughtUp();
  session.send(...openAndReset(2001, 200));
  await session.closed();
  expect(session.goaways.at(-1)?.code).not.toBe(Code.noError);
  await expectServes(opened);
});

test("a client that asks on and on without taking the answers loses its session", async () => {
  const opened = await openTestPort();
  const session = await RawSession.open(opened.port, { givesWindow: false });
  // Answers of 28 bytes take all of the window; those to HEAD have no data, and wait behind them. A hundred at a time, as
  // no more than a thousand streams may be open.
  let id = 1;
  const ask = async (frames: (streamId: number) => Buffer[]) => {
    const some = Array.from({ length: 100 }, (_, n) => id + 2 * n);
    id += 200;
    session.send(...some.flatMap(frames));
    await session.caughtUp();
    // Those of node:http2 get their turn.
    for (let turns = 0; turns < 50; turns += 1) await turn();
  };
  for (let n = 0; n < 24; n += 1) {
    await ask((streamId) => [headers(streamId, HEAD), data(streamId, BODY)]);
    await expect.poll(() => opened.ingest.stored.length, SOON).toBe(100 * (n + 1));
  }
  const head = getOf("/nowhere").map((field) =>
    field.value === "GET" ? { ...field, value: "HEAD" } : field,
  );
  for (let n = 0; n < 500 && !session.isClosed; n += 1) {
    await ask((streamId) => [headers(streamId, head, true)]).catch(() => {});
  }
  await session.closed();
  expect(session.goaways.at(-1)?.code).toBe(Code.enhanceYourCalm);
  await expectServes(opened);
});

/** A port that holds each stream and gives it to node:http2 when it has come, which answers with `length` bytes. */
function openPassingPort(length: number) {
  const shape = shapeOf("/event", {});
  if (!shape) throw new Error("no shape");
  const take: PlainTaker["take"] = (_, end) => end.full();
  return openTestPort({
    lane: { takerOf: () => ({ shape, headers: {}, take }), http1: () => false },
    handler: (_, res) => {
      res.end("x".repeat(length));
    },
  });
}

test("the window that a client gives a stream that is held is node:http2's when that gets the stream", async () => {
  const { port } = await openPassingPort(200_000);
  const session = await RawSession.open(port, { givesWindow: false });
  session.send(windowUpdate(0, 1_000_000));
  session.send(headers(1, HEAD), windowUpdate(1, 100_000), data(1, BODY, false), windowUpdate(1, 100_000));
  session.send(data(1, ""));
  await session.answered(1);
  expect(session.answer(1).body.length).toBe(200_000);
});

test("the window of a stream that is held grows no larger than windows may be", async () => {
  const { port } = await openPassingPort(1);
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), windowUpdate(1, 2 ** 30), windowUpdate(1, 2 ** 30), data(1, BODY));
  await session.closed();
  expect(session.goaways.at(-1)?.code).toBe(Code.flowControlError);
});

test("a wrong request that is followed by the client's farewell is answered", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, "{"), headers(3, HEAD), data(3, BODY));
  session.send(http2Frame(Type.goaway, 0, 0, numbers(0, 0)));
  await session.answered(1, 3);
  expect([1, 3].map((id) => session.status(id))).toEqual(["400", "200"]);
  expect(ingest.stored.length).toBe(1);
  await session.closed();
});
