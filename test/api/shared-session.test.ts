// A session of HTTP/2 at the wire: how its streams are answered, and what becomes of them when storing goes wrong, when the
// client takes them back, and when it goes.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { Origins } from "../../src/api/origin.ts";
import { http2Frame } from "../http2/bytes.ts";
import {
  Code,
  data,
  headers,
  numbers,
  paddedData,
  reset,
  Setting,
  settings,
  Type,
  windowUpdate,
} from "../http2/client-frames.ts";
import { getOf, headOf, REST, SHAPES } from "./event-shapes.ts";
import { openReference } from "./node-reference.ts";
import {
  expectNoConnections,
  expectServes,
  openSession,
  openTestPort,
  RECEIVED,
  SOON,
} from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

const HEAD = headOf(REST);
const BODY = REST.body("e");
/** Plain but for its path: node:http2's. */
const PASSED = headOf({ ...REST, path: "/event?a=b" });

/** A port whose events wait for `release`. */
async function openGatedPort() {
  const gate = Promise.withResolvers<void>();
  const opened = await openTestPort();
  opened.ingest.gate = gate.promise;
  return { ...opened, release: gate.resolve };
}

test.each(SHAPES)("$name: a plain request is answered as by node:http2", async (shape) => {
  const seen = [];
  for (const { port, ingest } of [await openTestPort(), await openReference()]) {
    const session = await RawSession.open(port);
    session.send(headers(1, headOf(shape)), data(1, shape.body("e")));
    await session.answered(1);
    const { date, ...others } = session.answer(1).headers;
    expect(new Date(date ?? "").toUTCString()).toBe(date);
    seen.push({ ...session.answer(1), headers: others, stored: ingest.stored });
  }
  expect(seen[0]).toEqual(seen[1]);
  expect(seen[0]?.headers[":status"]).toBe("200");
});

test("streams are answered in the order in which they are stored, not in that of their opening", async () => {
  const opened = await openTestPort();
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  Object.defineProperty(opened.ingest, "gate", { get: () => gates[opened.ingest.calls - 1]?.promise });
  const session = await RawSession.open(opened.port);
  session.send(...[1, 3].flatMap((id) => [headers(id, HEAD), data(id, BODY)]));
  await expect.poll(() => opened.ingest.calls, SOON).toBe(2);
  gates[1]?.resolve();
  await session.answered(3);
  session.send(headers(5, getOf("/health"), true));
  await session.answered(5);
  expect(session.answers.has(1)).toBe(false);
  gates[0]?.resolve();
  await session.answered(1);
  expect([1, 3, 5].map((id) => session.status(id))).toEqual(["200", "200", "200"]);
});

test.each(["buffer_full", "unavailable"] as const)(
  "what ingestion refuses (%s) is answered as by node:http2",
  async (refusal) => {
    const [shared, byNode] = [await openTestPort(), await openReference()];
    const seen = [];
    for (const { port, ingest } of [shared, byNode]) {
      ingest.refusal = refusal;
      const session = await RawSession.open(port);
      const all = SHAPES.map((_, index) => 1 + 2 * index);
      session.send(
        ...SHAPES.flatMap((shape, at) => [
          headers(1 + 2 * at, headOf(shape)),
          data(1 + 2 * at, shape.body("e")),
        ]),
      );
      await session.answered(...all);
      seen.push(
        all.map((id) => {
          const { date, ...others } = session.answer(id).headers;
          return { ...session.answer(id), headers: others };
        }),
      );
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.map(({ body }) => body.includes("Event received"))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
    expect(shared.ingest.stored).toEqual([]);
  },
);

test("a request whose storing fails is reset, as it is not known whether it is stored", async () => {
  const { port, ingest, logged } = await openTestPort();
  ingest.gate = Promise.reject(new Error("the disk is gone"));
  ingest.gate.catch(() => {});
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY));
  await session.answered(1);
  expect([session.answer(1).reset, session.status(1)]).toEqual([Code.internalError, undefined]);
  ingest.gate = undefined;
  session.send(headers(3, HEAD), data(3, BODY));
  await session.answered(3);
  expect(session.answer(3).body).toBe(RECEIVED);
  expect(logged.length).toBe(1);
});

test("a request that is reset while it is being stored gets no frames", async () => {
  const { port, ingest, release } = await openGatedPort();
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY), headers(3, HEAD), data(3, BODY));
  await expect.poll(() => ingest.calls, SOON).toBe(2);
  session.send(reset(1));
  await session.caughtUp();
  release();
  await session.answered(3);
  await session.caughtUp();
  expect([...session.answers.keys()]).toEqual([3]);
  expect([session.answer(3).body, ingest.stored.length, session.goaways]).toEqual([RECEIVED, 2, []]);
});

test("a request that is reset before it is complete is not stored", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  session.send(
    headers(1, HEAD),
    data(1, BODY, false),
    reset(1),
    data(1, ""),
    headers(3, HEAD),
    data(3, BODY),
  );
  await session.answered(3);
  await session.caughtUp();
  expect([[...session.answers.keys()], ingest.calls]).toEqual([[3], 1]);
});

test("a client that has closed its side while requests are being stored gets the answers of plain ones, and then the end", async () => {
  const { port, ingest, release, logged } = await openGatedPort();
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY), headers(3, HEAD), data(3, BODY.subarray(1), false));
  await expect.poll(() => ingest.calls, SOON).toBe(1);
  session.socket.end();
  for (let n = 0; n < 5; n += 1) await turn();
  expect(session.isClosed).toBe(false);
  release();
  await session.closed();
  expect([session.answer(1).body, session.answers.has(3), ingest.stored.length]).toEqual([
    RECEIVED,
    false,
    1,
  ]);
  expect(logged).toEqual([]);
});

test("a client that resets its connection while requests are being stored does no harm", async () => {
  const opened = await openGatedPort();
  const session = await RawSession.open(opened.port);
  session.send(headers(1, HEAD), data(1, BODY), headers(3, PASSED), data(3, BODY), headers(5, HEAD));
  await expect.poll(() => opened.ingest.calls, SOON).toBe(2);
  session.socket.resetAndDestroy();
  for (let n = 0; n < 5; n += 1) await turn();
  opened.release();
  await expect.poll(() => opened.ingest.stored.length, SOON).toBe(2);
  await expectServes(opened);
  await expectNoConnections(opened);
});

test("a client that resets its connection ends its streams with node:http2", async () => {
  const [begun, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const { port } = await openTestPort({
    handler: (_, res) => {
      begun.resolve();
      res.on("close", ended.resolve);
    },
  });
  const session = await RawSession.open(port);
  session.send(headers(1, HEAD), data(1, BODY, false));
  await begun.promise;
  session.socket.resetAndDestroy();
  await ended.promise;
});

test("a client that does not read is not read from, and is served on when it reads", {
  timeout: 60_000,
}, async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port, { settings: [[Setting.initialWindowSize, 10_000_000]] });
  session.send(windowUpdate(0, 1_000_000_000));
  await session.caughtUp();
  session.socket.pause();
  const head = headOf(REST, { "user-agent": "x".repeat(300) });
  let id = 1;
  let isFull = false;
  // What the port and the kernels take is far less than a million requests are.
  for (; id < 2_000_000 && !isFull; id += 2 * 100) {
    const requests = Array.from({ length: 100 }, (_, n) => [
      headers(id + 2 * n, head),
      data(id + 2 * n, BODY),
    ]);
    session.send(...requests.flat());
    await turn();
    isFull = session.socket.writableLength > 8 * 1024 * 1024;
  }
  expect(isFull).toBe(true);
  const last = id - 2;
  const before = ingest.calls;
  for (let n = 0; n < 20; n += 1) await turn();
  expect(ingest.calls).toBe(before);
  expect(before).toBeLessThan((last + 1) / 2);
  session.socket.resume();
  await session.answered(last);
  await expect.poll(() => ingest.stored.length, SOON).toBe((last + 1) / 2);
});

test("a client without a table for header fields can read all answers", async () => {
  const { url } = await openTestPort();
  const { session, request } = openSession(url, { settings: { headerTableSize: 0 } });
  for (let n = 0; n < 3; n += 1) {
    expect(await request("POST", "/event", String(BODY))).toEqual({ status: 200, body: RECEIVED });
    expect((await request("GET", "/health")).status).toBe(200);
  }
  session.close();
});

test.each([[[0]], [[0, 4096]], [[100, 0, 65_536]]])(
  "a table that becomes smaller on the way (%j) is kept to",
  async (sizes) => {
    const { url } = await openTestPort();
    const { session, request } = openSession(url);
    const both = async () => {
      expect(await request("POST", "/event", String(BODY))).toEqual({ status: 200, body: RECEIVED });
      expect((await request("GET", "/health")).status).toBe(200);
    };
    await both();
    for (const headerTableSize of sizes)
      await new Promise<void>((resolve) => session.settings({ headerTableSize }, () => resolve()));
    await both();
    await both();
    session.close();
  },
);

test("a table or a window that becomes smaller while a request is being stored is acknowledged behind its answer", async () => {
  for (const smaller of [[Setting.headerTableSize, 0] as const, [Setting.initialWindowSize, 0] as const]) {
    const { port, ingest, release } = await openGatedPort();
    const session = await RawSession.open(port);
    await session.caughtUp();
    const acks = () => session.acks.length;
    const before = acks();
    session.send(headers(1, HEAD), data(1, BODY), headers(3, HEAD), settings(smaller));
    await expect.poll(() => ingest.calls, SOON).toBe(1);
    await session.caughtUp();
    expect(acks()).toBe(before);
    session.send(data(3, BODY));
    release();
    await session.until(() => acks() > before);
    expect([session.answer(1).body, session.status(1)]).toEqual([RECEIVED, "200"]);
    session.send(windowUpdate(3, 1000));
    await session.answered(3);
  }
});

test("a push is not promised, a priority is not looked at, and unknown frames and settings are nothing", async () => {
  const { port } = await openTestPort();
  const session = await RawSession.open(port);
  session.send(
    http2Frame(Type.priority, 0, 7, Buffer.concat([numbers(0), Buffer.of(1)])),
    http2Frame(Type.unknown, 0xff, 9, Buffer.from("unknown")),
    settings([0x99, 5], [Setting.maxFrameSize, 1_000_000]),
    headers(1, HEAD),
    http2Frame(Type.unknown, 0xff, 1, Buffer.from("unknown")),
    data(1, BODY),
  );
  await session.answered(1);
  expect([session.answer(1).body, session.goaways]).toEqual([RECEIVED, []]);
});

test("nothing comes before the settings, whatever the client sends with its preface", async () => {
  const { port } = await openTestPort();
  const session = await RawSession.open(port, { first: [headers(1, HEAD), data(1, BODY)] });
  await session.answered(1);
  expect([session.types[0], session.answer(1).body]).toEqual([Type.settings, RECEIVED]);
});

test("a body that was held and is node:http2's then comes to it whole", async () => {
  const { port, ingest } = await openTestPort();
  const session = await RawSession.open(port);
  const parts = [BODY, ...Array.from({ length: 3 }, () => Buffer.alloc(15_000, " "))];
  const length = String(Buffer.concat(parts).length + 1);
  const frames = parts.map((part) => data(1, part, false));
  session.send(headers(1, headOf(REST, { "content-length": length })), ...frames, paddedData(1, " ", 9));
  await session.answered(1);
  expect([session.answer(1).body, ingest.stored.length]).toEqual([RECEIVED, 1]);
});

test("header fields of an answer that take more than a frame come whole, also at the end of a stream", async () => {
  const { port } = await openTestPort({
    handler: (req, res) => {
      res.setHeader("x-long", "y".repeat(40_000));
      res.statusCode = req.url === "/none" ? 204 : 200;
      if (req.url === "/none") res.end();
      else res.end("body");
    },
  });
  const session = await RawSession.open(port);
  session.send(headers(1, getOf("/none"), true), headers(3, getOf("/some"), true));
  await session.answered(1, 3);
  expect([1, 3].map((id) => session.answer(id).headers["x-long"]?.length)).toEqual([40_000, 40_000]);
  expect([session.answer(1).body, session.answer(3).body]).toEqual(["", "body"]);
});

test("plain requests and others come from the same address", async () => {
  const { port, ingest } = await openTestPort({}, new Origins({ trustProxy: ["loopback"] }));
  for (const [n, more] of [{}, { "x-forwarded-for": "192.0.2.1" }, { "user-agent": "é" }].entries()) {
    const session = await RawSession.open(port);
    const passed = headOf({ ...REST, path: "/event?a=b" }, more);
    session.send(headers(1, headOf(REST, more)), data(1, BODY), headers(3, passed), data(3, BODY));
    await session.answered(1, 3);
    const [plain, other] = ingest.origins.slice(2 * n);
    expect(plain).toEqual(other);
    expect(plain?.address).toBe(n === 1 ? "192.0.2.1" : "127.0.0.1");
  }
});
