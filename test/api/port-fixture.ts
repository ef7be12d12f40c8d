// A port with the handlers of the api process over fakes, and clients that keep to the protocol or do not.

import { once } from "node:events";
import { type ClientHttp2Session, type ClientSessionOptions, connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { expect, onTestFinished } from "vitest";
import { createHandlers } from "../../src/api/handlers.ts";
import { Origins } from "../../src/api/origin.ts";
import { openPort, type Port, type PortOptions } from "../../src/api/port.ts";
import { type FakeIngest, fakes } from "./fakes.ts";

export { HTTP2_PREFACE, http2Field, http2Frame } from "../http2/bytes.ts";

export const EVENT = JSON.stringify({ site_id: "s", event_type: "page_view" });
/** For expect.poll: as long as a busy machine may take. */
export const SOON = { timeout: 10_000, interval: 5 };
export const RECEIVED = '{"message":"Event received"}';

/** The bytes of a request over HTTP/1.1. */
export function http1(line: string, body = "", headers: Readonly<Record<string, string>> = {}): string {
  const all = { Host: "x", "Content-Length": String(Buffer.byteLength(body)), ...headers };
  const fields = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${fields.join("")}\r\n${body}`;
}
export const POST_EVENT = http1("POST /event", EVENT);

export interface TestPort extends Port {
  readonly ingest: FakeIngest;
  /** What was logged from the level info up, line by line. */
  readonly logged: readonly string[];
}

/** Opens a port that is closed when the test has finished. */
export async function openTestPort(
  options: Partial<PortOptions> = {},
  origins = new Origins(),
  hasPlainConnections = true,
): Promise<TestPort> {
  const world = { ...fakes(), origins };
  const logged: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => logged.push(line) });
  const stop = new AbortController();
  const { handler, lane } = createHandlers({ ...world, drain: stop.signal, logger });
  const behindNode = lane && {
    takerOf: () => undefined,
    http1: (...exchange: Parameters<typeof lane.http1>) => lane.http1(...exchange),
  };
  const handlers = { handler, lane: hasPlainConnections ? lane : behindNode };
  const port = await openPort({
    host: "127.0.0.1",
    port: 0,
    // A handler of the test's own is to get everything.
    ...(options.handler ? { handler: options.handler } : handlers),
    logger,
    ...options,
  });
  onTestFinished(() => port.drain(0));
  return { ...port, ingest: world.ingest, logged };
}

/** A TCP client that keeps what it gets. It half-closes only when told to, as clients do that do not look. */
export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  /** Resolves when the server has closed its side, or reset the connection. */
  readonly closed: Promise<void>;
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    this.closed = new Promise((resolve) => {
      const onClosed = () => {
        this.isClosed = true;
        resolve();
      };
      socket.once("end", onClosed);
      socket.once("close", onClosed);
    });
    onTestFinished(() => {
      socket.destroy();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get received(): string {
    return this.bytes.toString("latin1");
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** How many answers of HTTP/1.1 with this status have come. */
  answers(status = 200): number {
    return this.received.split(`HTTP/1.1 ${status} `).length - 1;
  }

  /** Waits for the n-th answer of HTTP/1.1. */
  async answered(count = 1, status = 200): Promise<void> {
    await expect.poll(() => this.answers(status), SOON).toBe(count);
  }
}

/** An HTTP/2 client; `request` sends one request and gives its answer. */
export function openSession(url: string, options: ClientSessionOptions & { ca?: Buffer } = {}) {
  const session = connectHttp2(url, options);
  session.on("error", () => {});
  onTestFinished(() => session.destroy());
  return { session, request: requester(session) };
}

const requester =
  (session: ClientHttp2Session) =>
  async (method: string, path: string, body = "", headers: Readonly<Record<string, string>> = {}) => {
    const stream = session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: body === "" },
    );
    if (body !== "") stream.end(body);
    const [answer] = await once(stream, "response");
    return { status: Number(answer[":status"]), body: await text(stream) };
  };

/** A good event gets in over HTTP/1.1 and over HTTP/2, and is stored once each. */
export async function expectServes({ url, port, ingest }: TestPort): Promise<void> {
  const before = ingest.stored.length;
  const client = await RawClient.open(port);
  client.send(POST_EVENT);
  await client.answered();
  const { session, request } = openSession(url);
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 200, body: RECEIVED });
  expect(ingest.stored.length - before).toBe(2);
  client.socket.destroy();
  session.close();
}

/** All connections are gone: a drain has nothing to wait for, not even its grace, and nothing to cut. */
export async function expectNoConnections({ drain, logged }: TestPort): Promise<void> {
  const startedAt = performance.now();
  await drain(60_000);
  expect(performance.now() - startedAt).toBeLessThan(450);
  expect(logged).toEqual([]);
}

/** A relay before `port` that passes on one byte at a time, each in a turn of its own; gives the relay's port. */
export async function dribbleTo(port: number): Promise<number> {
  const relay = createServer(async (client) => {
    const server = connect(port, "127.0.0.1").setNoDelay(true);
    for (const socket of [client, server]) socket.on("error", () => {});
    onTestFinished(() => {
      client.destroy();
      server.destroy();
    });
    server.pipe(client);
    await once(server, "connect");
    // It breaks off when the client does.
    const bytes = async () => {
      for await (const chunk of client) {
        for (const byte of chunk as Buffer) {
          server.write(Buffer.of(byte));
          await turn();
        }
      }
    };
    await bytes().catch(() => {});
    server.end();
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  onTestFinished(() => {
    relay.close();
  });
  return (relay.address() as AddressInfo).port;
}
