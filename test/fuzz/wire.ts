// What a connection may send that is no HTTP, half of it, or HTTP/2 against all its rules.

import { once } from "node:events";
import { connect } from "node:net";
import { HTTP2_PREFACE, http2Field, http2Frame } from "../http2/bytes.ts";
import type { Random } from "./random.ts";

const [
  DATA,
  HEADERS,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  PUSH_PROMISE,
  PING,
  GOAWAY,
  WINDOW_UPDATE,
  CONTINUATION,
] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
const END_STREAM = 1;
const END_HEADERS = 4;
/** How long a connection stays open when the server does not end it, in ms. */
const MAX_LINGER_MS = 60;
/** Below what nghttp2 takes for an attack (1,000 at once), so that it is our code that sees them. */
const FLOOD = 200;

const EVENT = '{"site_id":"fuzz","event_type":"page_view","path":"/wire"}';
const RICH_EVENT =
  '{"site_id":"fuzz","event_type":"page_view","url":"https://a.example/wire?utm_source=b","props":{"a":"b"},' +
  '"revenue":{"amount":9.99,"currency":"EUR"},"language":"de-AT","screen_width":1440,"referrer":"https://b.example/"}';

const RPC = "/analytics.v1.AnalyticsService/";
const REQUESTS: readonly [string, ...string[]] = [
  `POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: ${EVENT.length}\r\n\r\n${EVENT}`,
  `POST /event HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3a\r\n${EVENT}\r\n0\r\n\r\n`,
  `POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: ${RICH_EVENT.length}\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n${RICH_EVENT}`,
  `POST /event HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 70000\r\n\r\n${EVENT}`,
  "GET /stats?site_id=fuzz&date=2025-11-12&limit=3 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
  `POST ${RPC}IngestEvent HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"siteId"`,
  `GET ${RPC}GetStats?connect=v1&encoding=json&message=%7B%22site_id%22%3A HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET ${RPC}QueryStats?connect=v1&encoding=json&message=%7B%22siteId%22%3A%22fuzz%22%2C%22metrics%22%3A%5B%22visits%22%5D%7D HTTP/1.1\r\nHost: x\r\n\r\n`,
  `GET ${RPC}GetStats?connect=v1&encoding=json&message=%7B%7D HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(3),
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
  "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
];

/** Bytes of no protocol, which may begin as if they were of one. */
export function garbage(random: Random): Buffer {
  const start = random.pick([
    "",
    "",
    "GET ",
    "POST /event HTTP/1.1\r\n",
    HTTP2_PREFACE.slice(0, random.below(24)),
    "\x16\x03\x01",
  ]);
  return Buffer.concat([Buffer.from(start, "latin1"), random.bytes(random.below(4096))]);
}

/** A request over HTTP/1.1 that is cut off, changed, or both. */
export function brokenRequest(random: Random): Buffer {
  const request = Buffer.from(random.pick(REQUESTS));
  const changed = random.chance(0.6) ? random.mutated(request) : request;
  return random.chance(0.5) ? changed.subarray(0, random.below(changed.length + 1)) : changed;
}

/** The preface of HTTP/2, and then frames in an order that no client sends. */
export function frames(random: Random): Buffer {
  const parts: Buffer[] = [Buffer.from(HTTP2_PREFACE, "latin1")];
  if (random.chance(0.8)) parts.push(http2Frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  for (let count = 1 + random.below(20); count > 0; count -= 1) {
    const bytes = random.pick(FRAMES)(random);
    parts.push(random.chance(0.1) ? random.mutated(bytes) : bytes);
  }
  return Buffer.concat(parts);
}

const streamId = (random: Random) => random.pick([0, 1, 1, 3, 5, 7, 2, 2 ** 31 - 1]);
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

type MakeFrame = (random: Random) => Buffer;

const anyFrame: MakeFrame = (random) =>
  http2Frame(random.below(12), random.below(256), streamId(random), random.bytes(random.below(64)));

/** A length that is not the payload's. */
const wrongLength: MakeFrame = (random) => {
  const frame = http2Frame(
    random.below(10),
    random.below(256),
    streamId(random),
    random.bytes(random.below(64)),
  );
  frame.writeUIntBE(random.below(random.pick([100, 17_000, 2 ** 24])), 0, 3);
  return frame;
};

const head: MakeFrame = (random) => {
  const fields = [
    http2Field(":method", random.pick(["POST", "GET", "PUT", "CONNECT"])),
    http2Field(
      ":path",
      random.pick([
        "/event",
        "/health",
        "/stats?site_id=fuzz",
        `${RPC}IngestEvent`,
        `${RPC}IngestEventStream`,
        "*",
      ]),
    ),
    http2Field(":scheme", "http"),
    http2Field(":authority", "x"),
    http2Field(
      "content-type",
      random.pick([
        "application/json",
        "application/grpc",
        "application/grpc-web+proto",
        "application/connect+json",
        "text/plain",
      ]),
    ),
  ];
  if (random.chance(0.2)) fields.push(http2Field("content-length", `${random.below(100)}`));
  if (random.chance(0.2)) fields.reverse();
  const flags = random.pick([END_HEADERS, END_HEADERS, END_HEADERS | END_STREAM, 0]);
  return http2Frame(HEADERS, flags, random.pick([1, 3, 5, 7, 9]), Buffer.concat(fields));
};

const body: MakeFrame = (random) =>
  http2Frame(
    DATA,
    random.pick([0, END_STREAM]),
    random.pick([1, 3, 5, 7, 9]),
    random.pick([Buffer.from(EVENT), random.bytes(random.below(300))]),
  );

const hugeSettings: MakeFrame = (random) => {
  const settings = Array.from({ length: random.pick([32, 33, 2730]) }, () =>
    Buffer.concat([
      Buffer.of(0, 1 + random.below(8)),
      number(random.pick([0, 1, 65_535, 16_384, 2 ** 31, 2 ** 32 - 1])),
    ]),
  );
  return http2Frame(SETTINGS, 0, 0, Buffer.concat(settings));
};

const resetFlood: MakeFrame = (random) => {
  const first = 101 + 2 * random.below(1000);
  const fields = [":method", "POST", ":path", "/event", ":scheme", "http", ":authority", "x"];
  const block: Buffer[] = [];
  for (let at = 0; at < fields.length; at += 2)
    block.push(http2Field(fields[at] ?? "", fields[at + 1] ?? ""));
  return Buffer.concat(
    Array.from({ length: FLOOD }, (_, n) => [
      http2Frame(HEADERS, END_HEADERS, first + 2 * n, Buffer.concat(block)),
      http2Frame(RST_STREAM, 0, first + 2 * n, number(8)),
    ]).flat(),
  );
};

const windowOverflow: MakeFrame = (random) => {
  const update = http2Frame(WINDOW_UPDATE, 0, random.pick([0, 1]), number(2 ** 31 - 1));
  return Buffer.concat([update, update]);
};

const pingFlood: MakeFrame = (random) => {
  const ping = http2Frame(PING, 0, 0, random.bytes(8));
  return Buffer.concat(Array.from({ length: FLOOD }, () => ping));
};

const FRAMES: readonly [MakeFrame, ...MakeFrame[]] = [
  anyFrame,
  anyFrame,
  wrongLength,
  head,
  head,
  head,
  body,
  body,
  hugeSettings,
  resetFlood,
  windowOverflow,
  pingFlood,
  (random) => http2Frame(CONTINUATION, random.pick([0, END_HEADERS]), 1, random.bytes(random.below(40))),
  (random) => http2Frame(PRIORITY, 0, streamId(random), random.bytes(5)),
  (random) => http2Frame(PUSH_PROMISE, END_HEADERS, 1, random.bytes(12)),
  (random) => http2Frame(GOAWAY, 0, 0, Buffer.concat([number(random.below(9)), number(random.below(14))])),
  (random) => http2Frame(WINDOW_UPDATE, 0, streamId(random), number(random.pick([0, 1, 2 ** 31 - 1]))),
  (random) => http2Frame(RST_STREAM, 0, streamId(random), number(random.below(14))),
];

/** Sends `bytes` on a connection of its own, in pieces; waits a little for the server to end it, and leaves somehow. */
export async function sendRaw(port: number, bytes: Buffer, random: Random): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: random.chance(0.2) });
  socket.on("error", () => {});
  socket.resume();
  const closed = once(socket, "close").catch(() => {});
  const pieces = 1 + random.below(3);
  for (let piece = 0; piece < pieces; piece += 1) {
    const [from, to] = [piece, piece + 1].map((n) => Math.floor((n * bytes.length) / pieces));
    socket.write(bytes.subarray(from, to));
    if (piece + 1 < pieces) await new Promise((resolve) => setImmediate(resolve));
  }
  if (random.chance(0.3)) socket.end();
  const lingerMs = random.below(MAX_LINGER_MS);
  const lingered = setTimeout(
    // Of a socket whose end was sent, Node cannot reset the connection, and would never close it.
    () => (lingerMs % 2 === 0 && !socket.writableEnded ? socket.resetAndDestroy() : socket.destroy()),
    lingerMs,
  );
  await closed;
  clearTimeout(lingered);
}
