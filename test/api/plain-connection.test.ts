// A connection that is served without node:http: all that a client sees, and all that is stored, is what it is with
// node:http, however its bytes are cut and whatever comes among them. But for a client that closes its side before it has
// its answer: here it gets it.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import type { EventShape } from "../../src/api/ingest-shapes.ts";
import { MAX_EVENT_BYTES } from "../../src/api/message-size.ts";
import { Origins } from "../../src/api/origin.ts";
import { PlainConnection, type PlainConnectionOptions } from "../../src/api/plain-connection.ts";
import type { PlainEnd, RequestHead } from "../../src/api/plain-taker.ts";
import {
  EVENT,
  http1,
  openTestPort,
  POST_EVENT,
  RawClient,
  RECEIVED,
  SOON,
  type TestPort,
} from "./port-fixture.ts";

const RPC = "POST /analytics.v1.AnalyticsService/IngestEvent";
const JSON_RPC = http1(RPC, '{"siteId":"s","eventType":"view"}', { "Content-Type": "application/json" });
const LONG_EVENT = JSON.stringify({ site_id: "s", event_type: "e", path: `/${"p".repeat(2000)}` });

/** What clients send: the plain, what looks like it, and what is to go wrong. */
const REQUESTS: readonly string[] = [
  ...[POST_EVENT, POST_EVENT, POST_EVENT, JSON_RPC, JSON_RPC],
  http1("POST /event", LONG_EVENT),
  http1("POST /event", EVENT, { "User-Agent": "Mozilla/5.0", Connection: "keep-alive" }),
  http1("POST /event", EVENT, { "Content-Type": "text/plain", Cookie: "a=\u00e9" }),
  http1("POST /event", "{"),
  http1("POST /event", '{"site_id":"s"}'),
  http1("POST /event"),
  http1("POST /event?a=1", EVENT),
  http1(RPC, '{"siteId":""}', { "Content-Type": "application/json" }),
  http1(RPC, "\n\x01s\x12\x01e", { "Content-Type": "application/proto" }),
  http1(RPC, "\n\x01s", { "Content-Type": "application/proto" }),
  http1(RPC, "\0\0\0\0\x06\n\x01s\x12\x01e", { "Content-Type": "application/grpc-web" }),
  http1(RPC, "x", { "Content-Type": "application/grpc" }),
  http1("GET /nowhere"),
  http1("OPTIONS /event", "", { Origin: "http://a", "Access-Control-Request-Method": "POST" }),
  http1("POST /event", EVENT, { "Content-Length": `+${EVENT.length}` }),
  http1("POST /event", EVENT, { "content-length": "3" }),
  http1("POST /event", `${EVENT.length.toString(16)}\r\n${EVENT}\r\n0\r\n\r\n`, {
    "Transfer-Encoding": "chunked",
  }),
  POST_EVENT.replace("HTTP/1.1", "HTTP/1.0"),
  POST_EVENT.replace("Host: x\r\n", ""),
  POST_EVENT.replace("Host: x", "Host : x"),
  POST_EVENT.replace("Host: x", "Host: x y"),
  `\r\n${POST_EVENT}`,
  "nonsense\r\n\r\n",
];

/** A port whose connections are node:http's from the beginning. */
function openByNode(): Promise<TestPort> {
  return openTestPort({}, new Origins(), false);
}

/** The last request of a client, so that it knows when it has had all answers. */
const LAST = http1("GET /nowhere", "", { Connection: "close" });

/** All that a client gets that sends `parts`, each when the one before is on its way, but for the time. */
async function answersTo({ port }: TestPort, parts: readonly string[]): Promise<string> {
  const client = await RawClient.open(port);
  for (const part of parts) {
    client.send(Buffer.from(part, "latin1"));
    for (let n = 0; n < 3; n += 1) await turn();
  }
  client.send(LAST);
  await client.closed;
  client.socket.destroy();
  return client.received.replaceAll(/^Date: .*\r\n/gm, "");
}

test("any requests in any parts are answered as node:http answers them", { timeout: 120_000 }, async () => {
  const plain = await openTestPort();
  const byNode = await openByNode();
  const requests = fc.array(fc.constantFrom(...REQUESTS), { minLength: 1, maxLength: 5 });
  const cuts = fc.array(fc.nat(), { maxLength: 3 });
  let answers = 0;
  await fc.assert(
    fc.asyncProperty(requests, cuts, fc.boolean(), async (sent, at, isOneByOne) => {
      for (const { ingest } of [plain, byNode]) {
        for (const list of [ingest.stored, ingest.origins]) list.length = 0;
      }
      const parts = isOneByOne ? sent : cut(sent.join(""), at);
      const [seen, expected] = [await answersTo(plain, parts), await answersTo(byNode, parts)];
      expect(seen).toEqual(expected);
      expect(sorted(plain.ingest.stored)).toEqual(sorted(byNode.ingest.stored));
      expect(sorted(plain.ingest.origins)).toEqual(sorted(byNode.ingest.origins));
      answers += seen.split("HTTP/1.1 200").length - 1;
    }),
    { numRuns: 1000 },
  );
  expect(answers).toBeGreaterThan(300);
  expect(plain.logged).toEqual(byNode.logged);
});

/** Requests that come together are carried out side by side, and stored in any order. */
function sorted(list: readonly object[]): string[] {
  return list.map((item) => JSON.stringify(item)).sort();
}

function cut(text: string, at: readonly number[]): string[] {
  const places = [...new Set(at.map((place) => place % text.length))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => text.slice(from, places[index])).filter((part) => part !== "");
}

test.each(["buffer_full", "unavailable"] as const)(
  "what ingestion refuses (%s) is answered as by node:http",
  async (refusal) => {
    const [plain, byNode] = [await openTestPort(), await openByNode()];
    for (const { ingest } of [plain, byNode]) ingest.refusal = refusal;
    for (const request of [POST_EVENT, JSON_RPC]) {
      const seen = await answersTo(plain, [request]);
      expect(seen).not.toContain(" 200 ");
      expect(seen).toEqual(await answersTo(byNode, [request]));
    }
    expect(plain.ingest.stored).toEqual([]);
  },
);

interface Served {
  readonly client: RawClient;
  /** The server's side. */
  readonly socket: Socket;
  readonly plain: PlainConnection;
  /** The bodies that were taken, and how each is to end. */
  readonly taken: { readonly body: string; readonly end: PlainEnd }[];
  readonly heads: RequestHead[];
  /** How often node:http was to have the connection. */
  left: number;
  isDraining: boolean;
}

/** Answers with the id of the event. */
const ECHO: EventShape = {
  of: "event",
  maxBytes: MAX_EVENT_BYTES,
  event: () => undefined,
  message: () => undefined,
  answer: (eventId) => eventId,
  contentType: "text/x",
  hasLength: true,
  hasTrailers: false,
};

/** A connection that takes all that has a plain head. */
async function serve(options: Partial<PlainConnectionOptions> = {}): Promise<Served> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, accepted.resolve).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const client = new RawClient(
    connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true }),
  );
  const socket = await accepted.promise;
  onTestFinished(() => {
    socket.destroy();
  });
  const served: Omit<Served, "plain"> = { client, socket, taken: [], heads: [], left: 0, isDraining: false };
  const plain = new PlainConnection(socket, {
    takerOf: (head) => {
      served.heads.push(head);
      return {
        shape: ECHO,
        headers: { "content-type": "text/x" },
        take: (body, end) => served.taken.push({ body: String(body), end }),
      };
    },
    isDraining: () => served.isDraining,
    keepAliveMs: 60_000,
    leave: () => {
      served.left += 1;
    },
    ...options,
  });
  return Object.assign(served, { plain });
}

async function takes({ taken }: Served, count: number): Promise<PlainEnd> {
  await expect.poll(() => taken.length, SOON).toBe(count);
  const last = taken[count - 1];
  if (!last) throw new Error("nothing was taken");
  return last.end;
}

test("request after request is answered, and a head that differs in its length alone is not read again", async () => {
  const served = await serve();
  const { client } = served;
  const bodies = ["a", "b".repeat(9), "c".repeat(10), "d".repeat(1000), "e"];
  for (const [index, body] of bodies.entries()) {
    expect(served.plain.isIdle).toBe(true);
    client.send(http1("POST /event", body, { "X-A": "b" }));
    const end = await takes(served, index + 1);
    expect(served.plain.isIdle).toBe(false);
    end.answer("é");
    await client.answered(index + 1);
  }
  expect(served.taken.map(({ body }) => body)).toEqual(bodies);
  expect(served.heads.length).toBe(1);
  client.send(http1("POST /event", "f", { "X-A": "c" }));
  await takes(served, 6);
  expect(served.heads.length).toBe(2);
  expect(served.left).toBe(0);
  const [answer] = client.received.split("éHTTP");
  expect(answer).toMatch(
    /^HTTP\/1.1 200 OK\r\ncontent-type: text\/x\r\ncontent-length: 1\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n$/,
  );
});

/** What may follow a request with the body "a" and be taken for another one with its head. */
const LIKE_THE_LAST: readonly (readonly [what: string, request: string, isPlain: boolean])[] = [
  ...["2", "0", "01", "+1", "1 1", "1,1", "", "100000"].map(
    (length) => [`a length of "${length}"`, withLength(length, "a"), false] as const,
  ),
  ["another header", withLength("1\r\nX: y", "a"), true],
  ["a length below the body's", withLength("1", "ab"), false],
  ["a request behind it", withLength("1", "a") + withLength("1", "b"), false],
  ["a part of a request behind it", `${withLength("1", "a")}P`, false],
  ["a body that is to come", withLength("1", ""), false],
];

function withLength(length: string, body: string): string {
  return http1("POST /event", body, { "Content-Length": length });
}

test.each(LIKE_THE_LAST)(
  "behind a plain request, one with %s is taken only if it is plain",
  async (_, request, isPlain) => {
    const served = await serve();
    served.client.send(withLength("1", "a"));
    (await takes(served, 1)).answer("x");
    await served.client.answered();
    served.client.send(request);
    await expect.poll(() => [served.taken.length, served.left], SOON).toEqual(isPlain ? [2, 0] : [1, 1]);
  },
);

test("a head of more than 8 KiB is node:http's", async () => {
  const served = await serve();
  const fill = (length: number) => http1("POST /event", "a", { X: "x".repeat(length) });
  const most = 8192 - (fill(0).length - 1);
  served.client.send(fill(most));
  (await takes(served, 1)).answer("x");
  await served.client.answered();
  served.client.send(fill(most + 1));
  await expect.poll(() => [served.taken.length, served.left], SOON).toEqual([1, 1]);
});

test("an empty line between requests is nothing", async () => {
  const served = await serve();
  for (const count of [1, 2]) {
    served.client.send(POST_EVENT);
    (await takes(served, count)).answer("x");
    await served.client.answered(count);
    const { bytesRead } = served.socket;
    served.client.send("\r\n");
    await expect.poll(() => served.socket.bytesRead, SOON).toBe(bytesRead + 2);
  }
  expect([served.left, served.taken.length, served.client.isClosed]).toEqual([0, 2, false]);
});

test("answers have the time at which they are given", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const served = await serve();
  for (const [index, date] of ["Thu, 31 Dec 2026 23:59:59 GMT", "Fri, 01 Jan 2027 00:00:00 GMT"].entries()) {
    vi.setSystemTime(new Date(date));
    served.client.send(POST_EVENT);
    (await takes(served, index + 1)).answer("x");
    await served.client.answered(index + 1);
    expect(served.client.received).toContain(`\r\nDate: ${date}\r\n`);
  }
});

test("what comes while a request is under way waits for its answer, and is node:http's then", async () => {
  const served = await serve();
  const { client, socket } = served;
  client.send(POST_EVENT);
  const end = await takes(served, 1);
  client.send(`${POST_EVENT}second`);
  await expect.poll(() => socket.isPaused(), SOON).toBe(true);
  client.send("third");
  for (let n = 0; n < 5; n += 1) await turn();
  expect([served.left, client.received]).toEqual([0, ""]);
  const rest: string[] = [];
  end.answer("x");
  socket.on("data", (chunk) => rest.push(String(chunk)));
  await expect.poll(() => rest.join(""), SOON).toBe(`${POST_EVENT}secondthird`);
  await client.answered();
  expect(["end", "error"].map((name) => socket.listenerCount(name))).toEqual([1, 0]);
  expect([served.left, client.received.includes("keep-alive")]).toEqual([1, true]);
});

test("a request that is not answered here is node:http's, before what came behind it", async () => {
  const served = await serve();
  served.client.send(POST_EVENT);
  const end = await takes(served, 1);
  served.client.send("second");
  await expect.poll(() => served.socket.isPaused(), SOON).toBe(true);
  end.full();
  const [bytes] = await once(served.socket, "data");
  expect([String(bytes), served.left, served.client.received]).toEqual([`${POST_EVENT}second`, 1, ""]);
});

test("a client that has closed its side gets its answer, and then the end", async () => {
  const served = await serve();
  served.client.socket.end(POST_EVENT);
  const end = await takes(served, 1);
  await expect.poll(() => served.socket.readableEnded, SOON).toBe(true);
  end.answer(RECEIVED);
  await served.client.closed;
  expect(served.client.received).toMatch(/\r\nConnection: close\r\n\r\n.*received"}$/s);
});

test.each(["full", "fail"] as const)(
  "one that has closed its side and is to end with %s gets the end",
  async (how) => {
    const served = await serve();
    served.client.socket.end(POST_EVENT);
    const end = await takes(served, 1);
    await expect.poll(() => served.socket.readableEnded, SOON).toBe(true);
    end[how]();
    await served.client.closed;
    expect([served.client.received, served.left]).toEqual(["", 0]);
  },
);

test("a client that is gone before its answer does no harm", async () => {
  const served = await serve();
  served.client.send(POST_EVENT);
  const end = await takes(served, 1);
  served.client.socket.resetAndDestroy();
  await expect.poll(() => served.socket.destroyed, SOON).toBe(true);
  end.answer("x");
  expect(served.left).toBe(0);
  const other = await serve();
  other.client.send(POST_EVENT);
  const otherEnd = await takes(other, 1);
  other.client.socket.resetAndDestroy();
  await expect.poll(() => other.socket.destroyed, SOON).toBe(true);
  otherEnd.full();
  expect(other.left).toBe(0);
});

test("a connection that is idle for too long is closed, and one that waits for its answer is not", async () => {
  const served = await serve({ keepAliveMs: 60_000 });
  const start = Date.now();
  // Clients are told a second less than it is.
  const look = (ms: number) => {
    served.plain.sweep(start + ms);
    return served.socket.destroyed;
  };
  expect(look(60_000)).toBe(false);
  served.client.send(POST_EVENT);
  const end = await takes(served, 1);
  expect([look(61_000), look(200_000)]).toEqual([false, false]);
  end.answer("x");
  await served.client.answered();
  expect([look(300_000), look(360_999), look(361_000)]).toEqual([false, false, true]);
  const unused = await serve({ keepAliveMs: 60_000 });
  unused.plain.sweep(Date.now() + 61_000);
  await unused.client.closed;
});

test("the port closes a connection that is idle for too long", async () => {
  vi.useFakeTimers({ toFake: ["Date", "setInterval"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { port } = await openTestPort();
  const client = await RawClient.open(port);
  client.send(POST_EVENT);
  await client.answered();
  vi.advanceTimersByTime(60_000);
  client.send(POST_EVENT);
  await client.answered(2);
  vi.advanceTimersByTime(65_000);
  expect(client.isClosed).toBe(false);
  vi.advanceTimersByTime(3000);
  await client.closed;
});

test("while the port drains, an answer is the last, and a new request is node:http's", async () => {
  const served = await serve();
  served.client.send(POST_EVENT);
  const end = await takes(served, 1);
  served.isDraining = true;
  end.answer("x");
  await served.client.closed;
  expect(served.client.received).toContain("\r\nConnection: close\r\n");
  const idle = await serve();
  idle.isDraining = true;
  idle.client.send(POST_EVENT);
  await expect.poll(() => idle.left, SOON).toBe(1);
  expect(idle.taken).toEqual([]);
});

test("while the port drains, what came behind a request is node:http's, which tells of the end", async () => {
  const served = await serve();
  served.client.send(POST_EVENT);
  const end = await takes(served, 1);
  served.client.send("second");
  await expect.poll(() => served.socket.isPaused(), SOON).toBe(true);
  served.isDraining = true;
  end.answer("x");
  await served.client.answered();
  expect([served.left, served.client.received.includes("Connection: close")]).toEqual([1, false]);
});

test("a client that reads no answers is node:http's at its next request", async () => {
  const served = await serve();
  served.client.socket.pause();
  const answer = "x".repeat(1024 * 1024);
  let count = 1;
  for (; !served.socket.writableNeedDrain && count < 50; count += 1) {
    served.client.send(POST_EVENT);
    (await takes(served, count)).answer(answer);
  }
  expect(served.left).toBe(0);
  served.client.send(POST_EVENT);
  await expect.poll(() => [served.left, served.taken.length], SOON).toEqual([1, count - 1]);
});

test("a head that cannot be judged is node:http's, and the port lives", async () => {
  const fail = () => {
    throw new Error("a bug");
  };
  const port = await openTestPort({ lane: { takerOf: fail, http1: () => false } });
  expect(await answersTo(port, [POST_EVENT])).toContain(RECEIVED);
  expect(port.logged.length).toBe(1);
  expect(port.logged[0]).toContain("a bug");
});
