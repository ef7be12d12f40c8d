// The REST surface over HTTP/2. A body that is cut off is sent in frames of our own, as clients of node:http2 end the
// body before they cancel a stream.

import { once } from "node:events";
import { connect as connectHttp2, createServer, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRestHandler, notFound } from "../../src/api/rest.ts";
import { HTTP2_PREFACE, http2Field, http2Frame } from "../http2/bytes.ts";
import { fakes } from "./fakes.ts";

const EVENT = JSON.stringify({ site_id: "s", event_type: "page_view" });

let world = fakes();
let logged = "";
/** How many requests began. */
let begun = 0;
/** How many streams the server has seen the end of. */
let ended = 0;
let port = 0;
let close = () => {};

beforeEach(async () => {
  world = fakes();
  logged = "";
  begun = 0;
  ended = 0;
  const write = (line: string) => {
    logged += line;
  };
  const rest = createRestHandler({ ...world, logger: pino({}, { write }) });
  const server = createServer((req, res) => {
    begun += 1;
    return rest(req, res) || notFound(req, res);
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("close", () => {
      ended += 1;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
});
afterEach(() => close());

/** A client; `request` sends one request and gives its answer. */
function openSession() {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  return {
    request: async (method: string, path: string, body = "") => {
      const stream = session.request({ ":method": method, ":path": path }, { endStream: body === "" });
      if (body !== "") stream.end(body);
      const [headers] = await once(stream, "response");
      return { status: headers[":status"], allow: headers.allow, body: await text(stream) };
    },
    close: () => session.destroy(),
  };
}

test("an event is stored and answered", async () => {
  const session = openSession();
  expect(await session.request("POST", "/event", EVENT)).toMatchObject({
    status: 200,
    body: '{"message":"Event received"}',
  });
  expect(world.ingest.stored.length).toBe(1);
  session.close();
});

test("statistics are answered, and HEAD has no body", async () => {
  const session = openSession();
  expect(await session.request("GET", "/stats?site_id=s")).toMatchObject({
    status: 200,
    body: expect.stringContaining('"total_views":3'),
  });
  expect(await session.request("HEAD", "/health")).toMatchObject({ status: 200, body: "" });
  session.close();
});

test("refusals leave the session usable", async () => {
  const session = openSession();
  expect((await session.request("POST", "/event", "x".repeat(70_000))).status).toBe(413);
  expect(await session.request("DELETE", "/health")).toMatchObject({ status: 405, allow: "GET, HEAD" });
  expect((await session.request("POST", "/event", EVENT)).status).toBe(200);
  session.close();
});

const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4];
const END_HEADERS = 4;
const POST_EVENT = Buffer.concat([
  http2Field(":method", "POST"),
  http2Field(":path", "/event"),
  http2Field(":scheme", "http"),
  http2Field(":authority", "x"),
]);
const NO_ERROR = Buffer.of(0, 0, 0, 0);
const CANCEL = Buffer.of(0, 0, 0, 8);

test.each([
  ["cancelled", (socket: Socket) => socket.write(http2Frame(RST_STREAM, 0, 1, CANCEL))],
  ["reset without an error", (socket: Socket) => socket.write(http2Frame(RST_STREAM, 0, 1, NO_ERROR))],
  ["left by its client", (socket: Socket) => socket.end()],
])("a stream that is %s in the body stores nothing, even if what came is an event", async (_, cut) => {
  const socket = connect(port, "127.0.0.1");
  socket.resume();
  socket.write(HTTP2_PREFACE);
  socket.write(http2Frame(SETTINGS, 0, 0, Buffer.alloc(0)));
  socket.write(http2Frame(HEADERS, END_HEADERS, 1, POST_EVENT));
  socket.write(http2Frame(DATA, 0, 1, Buffer.from(EVENT)));
  await expect.poll(() => begun).toBe(1);
  cut(socket);
  await expect.poll(() => ended).toBe(1);
  await turn();
  expect({ calls: world.ingest.calls, logged }).toEqual({ calls: 0, logged: "" });
  socket.destroy();
});
