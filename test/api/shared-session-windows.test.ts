// Two send on one session, and two take what comes: the windows hold for both together (RFC 9113, 5.2), in both directions.

import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { createHandlers } from "../../src/api/handlers.ts";
import { openPort } from "../../src/api/port.ts";
import {
  Code,
  data,
  headers,
  paddedData,
  ping,
  reset,
  Setting,
  windowUpdate,
} from "../http2/client-frames.ts";
import { getOf, headOf, REST, SHAPES } from "./event-shapes.ts";
import { fakes, silentLogger } from "./fakes.ts";
import { openTestPort, RECEIVED } from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

const HEAD = headOf(REST);
const BODY = REST.body("e");
const FIRST_WINDOW = 65_535;
const FRAME_BYTES = 16_384;
const GET_LONG = getOf("/stats?site_id=s&date=2025-11-12");

/** A port whose statistics are 200 KB long. */
async function openLongPort() {
  const world = fakes();
  const topPaths = Array.from({ length: 5000 }, (_, n) => ({
    path: `/a/path/of/${n}`,
    views: 1_000_000 + n,
  }));
  world.reports.answer = { totalViews: 1, uniqueUsers: 1, topPaths };
  const handlers = createHandlers({ ...world, drain: new AbortController().signal, logger: silentLogger });
  const port = await openPort({ host: "127.0.0.1", port: 0, ...handlers, logger: silentLogger });
  onTestFinished(() => port.drain(0));
  return { port: port.port, ingest: world.ingest };
}

const LONG_BYTES = 200_000;
const isLong = (body: string) => body.length > LONG_BYTES && body.endsWith("}");

/** Odd numbers from `first` on. */
const ids = (count: number, first = 1) => Array.from({ length: count }, (_, n) => first + 2 * n);

test("no more comes than the window of the session has room for, and all when it grows", async () => {
  const { port } = await openLongPort();
  const session = await RawSession.open(port, {
    givesWindow: false,
    settings: [[Setting.initialWindowSize, 1_000_000]],
  });
  const all = ids(30);
  for (const id of all) {
    if (id % 6 === 1) session.send(headers(id, GET_LONG, true));
    else session.send(headers(id, HEAD), data(id, BODY));
    await turn();
  }
  let room = FIRST_WINDOW;
  for (const growth of [0, 1, 1000, 16_384, 100_000]) {
    if (growth > 0) session.send(windowUpdate(0, growth));
    room += growth;
    // What has no room for a frame is left.
    await session.until(() => session.dataBytes > room - FRAME_BYTES);
    await session.caughtUp();
    expect(session.dataBytes).toBeLessThanOrEqual(room);
  }
  session.send(windowUpdate(0, 10_000_000));
  await session.answered(...all);
  for (const id of all) {
    const { body } = session.answer(id);
    expect(id % 6 === 1 ? isLong(body) : body === RECEIVED).toBe(true);
  }
});

test("plain answers take of the window, and wait for it", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port, { givesWindow: false });
  const all = ids(3000);
  for (let at = 0; at < all.length; at += 100) {
    const some = all.slice(at, at + 100);
    session.send(...some.flatMap((id) => [headers(id, HEAD), data(id, BODY)]));
    await session.until(
      () => some.every((id) => session.answers.has(id)) || session.dataBytes > FIRST_WINDOW - 28,
    );
    expect(session.dataBytes).toBeLessThanOrEqual(FIRST_WINDOW);
  }
  session.send(windowUpdate(0, 100_000));
  await session.answered(...all);
  expect(all.every((id) => session.answer(id).body === RECEIVED)).toBe(true);
  expect(ingest.stored.length).toBe(3000);
});

test("whatever a client gives for its windows in whatever steps, no more comes, and all in the end", {
  timeout: 60_000,
}, async () => {
  const { port } = await openLongPort();
  const step = fc.record({
    plain: fc.nat(20),
    long: fc.nat(1),
    growth: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 150_000 })),
    turns: fc.nat(3),
  });
  const initialWindow = fc.constantFrom(1_000_000, 65_535, 1024, 1000, 10, 0);
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      initialWindow,
      async (steps, initial) => {
        const options = { givesWindow: false, settings: [[Setting.initialWindowSize, initial] as const] };
        const session = await RawSession.open(port, options);
        let room = FIRST_WINDOW;
        const expected = new Map<number, boolean>();
        for (const { plain, long, growth, turns } of steps) {
          for (let n = 0; n < plain + long; n += 1) {
            const id = 1 + 2 * expected.size;
            expected.set(id, n < plain);
            if (n < plain) session.send(headers(id, HEAD), data(id, BODY));
            else session.send(headers(id, GET_LONG, true));
          }
          for (let n = 0; n < turns; n += 1) await turn();
          expect(session.dataBytes).toBeLessThanOrEqual(room);
          for (const id of expected.keys())
            expect(session.answer(id).body.length).toBeLessThanOrEqual(initial);
          session.send(windowUpdate(0, growth));
          room += growth;
        }
        session.send(windowUpdate(0, 100_000_000));
        for (const id of expected.keys()) session.send(windowUpdate(id, 10_000_000));
        await session.answered(...expected.keys());
        for (const [id, isPlain] of expected) {
          const { body } = session.answer(id);
          expect(isPlain ? body === RECEIVED : isLong(body)).toBe(true);
        }
        session.socket.destroy();
      },
    ),
    { numRuns: 60 },
  );
});

test("pings are answered and windows are given while answers wait for the client's window", async () => {
  const { port } = await openLongPort();
  const session = await RawSession.open(port, {
    givesWindow: false,
    settings: [[Setting.initialWindowSize, 1_000_000]],
  });
  // Plain answers take of the window what node:http2 does not know of, so that its frames wait.
  for (const id of ids(20)) session.send(headers(id, HEAD), data(id, BODY));
  await session.answered(...ids(20));
  session.send(headers(41, GET_LONG, true));
  await session.until(() => session.dataBytes > FIRST_WINDOW - 16_384);
  session.send(ping("ordinary"));
  await session.until(() => session.pongs.includes("ordinary"));
  const { growth } = session;
  const upload = headOf({ ...REST, path: "/nowhere" });
  const uploads = ids(4, 43);
  for (const id of uploads)
    session.send(
      headers(id, upload),
      ...Array.from({ length: 60 }, () => data(id, Buffer.alloc(16_384), false)),
    );
  await session.until(() => session.growth > growth + 1_000_000);
  session.send(windowUpdate(0, 10_000_000));
  await session.answered(41);
  expect(isLong(session.answer(41).body)).toBe(true);
});

/** Clients send as much as their window allows, which the server makes larger at once. */
const SEND_BYTES = 20_000_000;
const FILLED = Buffer.concat([BODY, Buffer.alloc(15_000, " ")]);

test.each<readonly [string, (id: number) => Buffer[], status: string | undefined]>([
  ["plain ones", (id) => [data(id, FILLED)], "200"],
  ["in many frames", (id) => [data(id, BODY, false), ...frames(id, 14), data(id, "")], "200"],
  ["padded ones", (id) => [paddedData(id, FILLED, 200, false), paddedData(id, " ".repeat(1000), 255)], "200"],
  ["half ones that are reset", (id) => [data(id, FILLED, false), reset(id)], undefined],
  ["whole ones that are reset", (id) => [data(id, FILLED), reset(id)], undefined],
  ["wrong ones", (id) => [data(id, FILLED.subarray(1))], "400"],
])("the client's window comes back, whatever it sends: %s", { timeout: 60_000 }, async (_, body, status) => {
  const { port } = await openTestPort();
  const session = await RawSession.open(port);
  let sent = 0;
  let id = 1;
  for (; sent < SEND_BYTES; id += 2) {
    const parts = body(id);
    const bytes = parts.reduce((sum, part) => sum + (part[3] === 0 ? part.length - 9 : 0), 0);
    await session.until(() => FIRST_WINDOW + session.growth - sent >= bytes);
    session.send(headers(id, HEAD), ...parts);
    sent += bytes;
    if (status === undefined) await turn();
    else await session.answered(id);
    expect(session.goaways).toEqual([]);
    if (status !== undefined) expect(session.status(id)).toBe(status);
    // node:http2 takes so many resets only.
  }
  expect(sent).toBeGreaterThan(SEND_BYTES - 1);
});

function frames(id: number, count: number): Buffer[] {
  return Array.from({ length: count }, () => data(id, " ".repeat(1000), false));
}

test("what comes behind the end of a stream is given back, and nothing else", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  // One that was reset, one that was plain, and two of node:http2's, the last of which was held before.
  session.send(headers(1, HEAD), reset(1), headers(3, HEAD), data(3, BODY));
  session.send(headers(5, getOf("/health"), true), headers(7, HEAD), data(7, "{"));
  await session.answered(3, 5, 7);
  for (const id of [1, 3, 5, 7]) {
    const { growth } = session;
    session.send(...Array.from({ length: 10 }, () => data(id, Buffer.alloc(16_384), false)));
    await session.until(() => session.growth >= growth + 150_000);
  }
  expect([session.status(7), ingest.stored.length, session.goaways]).toEqual(["400", 1, []]);
});

test("a client may keep the window of the session as large as windows can be", async () => {
  const { port } = await openTestPort();
  const session = await RawSession.open(port, { givesWindow: false });
  session.send(windowUpdate(0, 2 ** 31 - 1 - FIRST_WINDOW));
  for (let id = 1; id < 200; id += 4) {
    session.send(headers(id, HEAD), data(id, BODY), headers(id + 2, getOf("/health"), true));
    const before = session.dataBytes;
    await session.answered(id, id + 2);
    // For both answers at once.
    session.send(windowUpdate(0, session.dataBytes - before));
  }
  await session.caughtUp();
  expect(session.goaways).toEqual([]);
});

test("what plain answers took of the window and the client has given back is nobody's any more", async () => {
  const { port } = await openLongPort();
  const session = await RawSession.open(port);
  const all = ids(1000);
  session.send(...all.flatMap((id) => [headers(id, HEAD), data(id, BODY)]));
  await session.answered(...all);
  session.send(headers(2001, GET_LONG, true));
  await session.answered(2001);
  expect(isLong(session.answer(2001).body)).toBe(true);
});

test("a client that gives no window does not have any number of answers wait", async () => {
  const { port, ingest } = await openLongPort();
  const options = { givesWindow: false, settings: [[Setting.initialWindowSize, 1_000_000] as const] };
  const session = await RawSession.open(port, options);
  session.send(headers(1, HEAD), data(1, BODY), headers(3, GET_LONG, true));
  await session.until(() => session.dataBytes > FIRST_WINDOW - FRAME_BYTES);
  const all = ids(3000, 5);
  session.send(...all.flatMap((id) => [headers(id, HEAD), data(id, BODY)]));
  // With node:http2, each of them is one of the streams that a session may have.
  await session.closed();
  expect(session.goaways.map(({ code }) => code)).toEqual([Code.protocolError]);
  expect(ingest.stored.length).toBeLessThan(2000);
});

test("bodies that are held leave others room: a client that has used up its window gets more", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  const window = () => FIRST_WINDOW + session.growth - sent;
  // Not as much that it is given back at once.
  const first = Buffer.concat([BODY, Buffer.alloc(16_000, " ")]);
  session.send(headers(1, HEAD), data(1, first));
  let sent = first.length;
  await session.answered(1);
  let id = 1;
  const begun: number[] = [];
  while (window() > 0 && begun.length < 600) {
    id += 2;
    const part = FILLED.subarray(0, window());
    session.send(headers(id, HEAD), data(id, part, false));
    sent += part.length;
    begun.push(id);
    if (window() === 0 || begun.length % 50 === 0) await session.caughtUp();
    if (window() === 0) await session.until(() => window() > 0);
  }
  for (const each of begun) {
    await session.until(() => window() > 0);
    session.send(data(each, " "));
    sent += 1;
  }
  await session.answered(...begun);
  expect(begun.filter((each) => session.status(each) === "200").length).toBeGreaterThan(500);
  expect(ingest.stored.length).toBeGreaterThan(500);
});

test("answers that are reset on their way leave the window and the header fields of others as they are", async () => {
  let count = 0;
  const { port } = await openTestPort({
    handler: (_, res) => {
      count += 1;
      res.setHeader("x-count", String(count));
      res.end("x".repeat(30_000));
    },
  });
  const session = await RawSession.open(port);
  for (let round = 0; round < 200; round += 1) {
    const [last = 0, ...others] = ids(4, 1 + 8 * round);
    session.send(...[last, ...others].map((id) => headers(id, getOf("/"), true)));
    const before = session.dataBytes;
    await session.until(() => session.dataBytes > before + ((round * 997) % 60_000));
    session.send(...others.map((id) => reset(id)));
    await session.answered(last);
    const { headers: fields, body } = session.answer(last);
    expect([fields[":status"], Number(fields["x-count"]) <= count, body.length]).toEqual([
      "200",
      true,
      30_000,
    ]);
  }
});

test("a client whose windows for streams are small gets answers when it gives room, in all shapes", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port, {
    givesWindow: false,
    settings: [[Setting.initialWindowSize, 0]],
  });
  const all = SHAPES.map((shape, index) => {
    const id = 1 + 2 * index;
    session.send(headers(id, headOf(shape)), data(id, shape.body(`e${id}`)));
    return id;
  });
  await session.until(() => all.every((id) => session.status(id) === "200"));
  expect([ingest.stored.length, session.dataBytes]).toEqual([5, 0]);
  session.send(...all.map((id) => windowUpdate(id, 1000)));
  await session.answered(...all);
});
