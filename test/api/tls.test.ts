// The port with a certificate.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readTls } from "../../src/api/tls.ts";
import { certificate } from "../e2e/tls.ts";
import { type AtEnd, temporaryDirectory } from "../temporary.ts";
import {
  EVENT,
  HTTP2_PREFACE,
  openSession,
  openTestPort,
  POST_EVENT,
  RawClient,
  RECEIVED,
  SOON,
  type TestPort,
} from "./port-fixture.ts";

const config = {
  ...{ host: "127.0.0.1", port: 0, data: "unused", role: ["report"] as const },
  ...{ respectGpc: false, dedupeWindow: 1000, degradedLag: 1000, logLevel: "info" as const },
};
const cleanUps: Parameters<AtEnd>[0][] = [];
let directory = "";
let [certFile, keyFile, otherKeyFile] = ["", "", ""];
let ca: Buffer = Buffer.alloc(0);

beforeAll(() => {
  directory = temporaryDirectory((cleanUp) => cleanUps.push(cleanUp));
  ({ cert: certFile, key: keyFile, ca } = certificate(directory));
  otherKeyFile = certificate(temporaryDirectory((cleanUp) => cleanUps.push(cleanUp))).key;
});
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp();
});

const openTlsPort = (headersTimeoutMs = 15_000) =>
  openTestPort({ ...readTls({ ...config, tlsCert: certFile, tlsKey: keyFile }), headersTimeoutMs });

/** A TLS client that offers these protocols; none is to offer nothing. */
async function openTls(
  port: number,
  protocols: string[] = [],
): Promise<{ socket: TLSSocket; client: RawClient }> {
  const socket = connectTls({ host: "127.0.0.1", port, ca, ALPNProtocols: protocols });
  const client = new RawClient(socket);
  await once(socket, "secureConnect");
  return { socket, client };
}

async function expectServesTls({ url, port, ingest }: TestPort): Promise<void> {
  const before = ingest.stored.length;
  const { client } = await openTls(port, ["http/1.1"]);
  client.send(POST_EVENT);
  await client.answered();
  const { session, request } = openSession(url, { ca });
  expect(await request("POST", "/event", EVENT)).toEqual({ status: 200, body: RECEIVED });
  expect(ingest.stored.length - before).toBe(2);
  client.socket.destroy();
  session.close();
}

test("without a certificate there is no TLS", () => {
  expect(readTls(config)).toEqual({});
});

test("the URL says https", async () => {
  const { url, port } = await openTlsPort();
  expect(url).toBe(`https://127.0.0.1:${port}`);
});

test.each([
  [["h2", "http/1.1"], "h2"],
  [["http/1.1"], "http/1.1"],
  [["http/1.1", "h2"], "h2"],
])("of the protocols %j the port picks %s", async (offered, picked) => {
  const { port } = await openTlsPort();
  const { socket } = await openTls(port, offered);
  expect(socket.alpnProtocol).toBe(picked);
});

test("HTTP/1.1 and HTTP/2 are served", async () => {
  await expectServesTls(await openTlsPort());
});

test("a client without ALPN is served HTTP/1.1, on a connection that it can use again", async () => {
  const { port } = await openTlsPort();
  const { client } = await openTls(port);
  for (const count of [1, 2]) {
    client.send(POST_EVENT);
    await client.answered(count);
  }
});

test("plain requests and others come by one connection", async () => {
  const { port, ingest } = await openTlsPort();
  const { client } = await openTls(port);
  const parts = [POST_EVENT.slice(0, 30), POST_EVENT.slice(30)];
  for (const [sent, count] of [
    [[POST_EVENT], 1],
    [[POST_EVENT], 2],
    [["GET /health HTTP/1.1\r\nHost: x\r\n\r\n"], 3],
    [[POST_EVENT + POST_EVENT], 5],
    [parts, 6],
  ] as const) {
    for (const bytes of sent) client.send(bytes);
    await client.answered(count);
  }
  expect(ingest.stored.length).toBe(5);
});

test("connections are kept for as long as in clear text", async () => {
  const { port } = await openTlsPort();
  const { client } = await openTls(port);
  client.send(POST_EVENT);
  await client.answered();
  expect(client.received).toContain("\r\nKeep-Alive: timeout=65\r\n");
});

test.each([
  ["HTTP/1.1 in clear text", POST_EVENT],
  ["HTTP/2 in clear text", HTTP2_PREFACE],
  ["no handshake", "\x16\x03\x01\xff\xff\0\0"],
])("%s is refused, and the port serves on", async (_, bytes) => {
  const opened = await openTlsPort();
  const client = await RawClient.open(opened.port);
  client.send(Buffer.from(bytes, "latin1"));
  await client.closed;
  expect(client.received).not.toContain("HTTP/1.1");
  expect(opened.ingest.calls).toBe(0);
  await expectServesTls(opened);
  expect(opened.logged).toEqual([]);
});

test("a client that resets the connection in the handshake does no harm", async () => {
  const opened = await openTlsPort();
  for (const turns of [0, 1, 2, 3, 5, 8]) {
    const socket = connectTls({ host: "127.0.0.1", port: opened.port, ca });
    socket.on("error", () => {});
    for (let n = 0; n < turns; n += 1) await turn();
    socket.destroy();
  }
  await expectServesTls(opened);
  expect(opened.logged).toEqual([]);
});

test.each([
  ["nothing", ""],
  ["half a handshake", "\x16\x03\x01\x02\0\x01\0"],
])("a client that sends %s and then is silent is let go", { timeout: 5000 }, async (_, bytes) => {
  const opened = await openTlsPort(200);
  const client = await RawClient.open(opened.port);
  client.send(Buffer.from(bytes, "latin1"));
  await client.closed;
});

test("a client that is silent after the handshake is let go", { timeout: 5000 }, async () => {
  const opened = await openTlsPort(200);
  const { client } = await openTls(opened.port, ["http/1.1"]);
  client.send(POST_EVENT.slice(0, 30));
  await client.closed;
});

test("a client that is silent after it has agreed to HTTP/2 is let go", { timeout: 5000 }, async () => {
  const opened = await openTlsPort(200);
  const { client } = await openTls(opened.port, ["h2"]);
  await client.closed;
});

test("requests that are under way when the port drains are answered", async () => {
  const { url, port, drain, ingest, logged } = await openTlsPort();
  const { client: idle } = await openTls(port, ["http/1.1"]);
  const gate = Promise.withResolvers<void>();
  ingest.gate = gate.promise;
  const { client } = await openTls(port, ["http/1.1"]);
  client.send(POST_EVENT);
  const { session, request } = openSession(url, { ca });
  const answer = request("POST", "/event", EVENT);
  await expect.poll(() => ingest.calls, SOON).toBe(2);
  const drained = drain(60_000);
  await once(session, "goaway");
  await idle.closed;
  gate.resolve();
  await client.closed;
  await drained;
  expect(await answer).toEqual({ status: 200, body: RECEIVED });
  expect(client.received).toContain("\r\nConnection: close\r\n");
  expect(logged).toEqual([]);
});

test("a handshake that is under way when the port drains is finished, and its request answered", async () => {
  const { port, drain, logged } = await openTlsPort();
  const socket = connectTls({ host: "127.0.0.1", port, ca });
  const client = new RawClient(socket);
  client.send(POST_EVENT);
  await once(socket, "connect");
  await drain(60_000);
  await client.closed;
  expect(client.answers()).toBe(1);
  expect(logged).toEqual([]);
});

test("idle and silent connections are closed when the port drains", async () => {
  const { url, port, drain, logged } = await openTlsPort();
  const silent = await RawClient.open(port);
  const { client: unused } = await openTls(port, ["http/1.1"]);
  const { client: used } = await openTls(port, ["http/1.1"]);
  used.send(POST_EVENT);
  await used.answered();
  const { request } = openSession(url, { ca });
  await request("GET", "/health");
  await drain(60_000);
  await Promise.all([silent.closed, unused.closed, used.closed]);
  expect(logged).toEqual([]);
});

test.each(["--tls-cert", "--tls-key"])("a file of %s that is missing is named", (flag) => {
  const missing = join(directory, "missing.pem");
  const files = { tlsCert: certFile, tlsKey: keyFile };
  const wrong = flag === "--tls-cert" ? { ...files, tlsCert: missing } : { ...files, tlsKey: missing };
  expect(() => readTls({ ...config, ...wrong })).toThrow(
    `the file ${missing} of ${flag} cannot be read: ENOENT`,
  );
});

test.each([
  ["a key of another certificate", () => [certFile, otherKeyFile]],
  ["certificate and key the wrong way round", () => [keyFile, certFile]],
  ["a certificate that is no PEM", () => [garbageFile(), keyFile]],
  ["a key that is no PEM", () => [certFile, garbageFile()]],
])("%s cannot be used, and why is explained", async (_, files) => {
  const [tlsCert = "", tlsKey = ""] = files();
  await expect(openTestPort(readTls({ ...config, tlsCert, tlsKey }))).rejects.toThrow(
    /^the TLS certificate and key cannot be used \(.+\): both must be PEM and belong together$/,
  );
});

function garbageFile(): string {
  const path = join(directory, "garbage.pem");
  writeFileSync(path, "no PEM");
  return path;
}
