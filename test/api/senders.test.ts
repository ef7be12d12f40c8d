// Who an event is taken to be of, by every protocol over both versions of HTTP, with TLS and without; that whoever asks
// for it is not tracked; and that nothing of an address or a user agent stays.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { createHandlers } from "../../src/api/handlers.ts";
import { Origins } from "../../src/api/origin.ts";
import { openPort } from "../../src/api/port.ts";
import { BUFFER_LIMITS } from "../../src/ingest/buffer.ts";
import { Enricher } from "../../src/ingest/enricher.ts";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import { LogHost } from "../../src/ingest/log-host.ts";
import { VisitorKeys } from "../../src/ingest/visitor-keys.ts";
import { Visitors } from "../../src/ingest/visitors.ts";
import { nodeLogFiles } from "../../src/log/files.ts";
import { certificate } from "../e2e/tls.ts";
import { temporaryDirectory } from "../temporary.ts";
import { fakes } from "./fakes.ts";
import { openSession, openTestPort, type TestPort } from "./port-fixture.ts";

const EVENT = { siteId: "s", eventType: "page_view" };
const REST_EVENT = JSON.stringify({ site_id: "s", event_type: "page_view" });
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NOT_STORED = "Event not stored: the sender asks not to be tracked";
const FORWARDED = { "x-forwarded-for": "198.51.100.1, 192.0.2.7", "user-agent": FIREFOX };
type Headers = Readonly<Record<string, string>>;

const grpc = (baseUrl: string) => createGrpcTransport({ baseUrl });
const TRANSPORTS: readonly [string, (baseUrl: string) => Transport][] = [
  ["Connect over HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
  [
    "Connect over HTTP/2",
    (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  ],
  ["gRPC", grpc],
  ["gRPC-Web", (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
];

const clientOf = (transport: (url: string) => Transport, url: string): Client<typeof AnalyticsService> =>
  createClient(AnalyticsService, transport(url));

async function post(url: string, headers: Headers, body = REST_EVENT) {
  const response = await fetch(`${url}/event`, { method: "POST", headers, body });
  return { status: response.status, body: await response.json() };
}

const originsOf = ({ ingest }: TestPort) =>
  ingest.origins.map(({ address, userAgent, isLocal }) => ({ address, userAgent, isLocal }));

test("REST behind a trusted proxy is of the client, over both versions of HTTP", async () => {
  const port = await openTestPort({}, new Origins({ trustProxy: ["loopback"] }));
  await post(port.url, FORWARDED);
  await openSession(port.url).request("POST", "/event", REST_EVENT, FORWARDED);
  const client = { address: "192.0.2.7", userAgent: FIREFOX, isLocal: false };
  expect(originsOf(port)).toEqual([client, client]);
});

test("REST over TLS is of the client as well", async () => {
  const { cert, key, ca } = certificate(temporaryDirectory());
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const port = await openTestPort({ tls }, new Origins({ trustProxy: ["127.0.0.1"] }));
  const { request } = openSession(port.url, { ca });
  await request("POST", "/event", REST_EVENT, FORWARDED);
  await request("POST", "/event", REST_EVENT);
  expect(originsOf(port)).toEqual([
    { address: "192.0.2.7", userAgent: FIREFOX, isLocal: false },
    { address: "127.0.0.1", userAgent: "", isLocal: true },
  ]);
});

test.each(TRANSPORTS)(
  "%s: an event alone is of its connection, those of a batch are not",
  async (_, transport) => {
    const port = await openTestPort({}, new Origins({ trustProxy: ["loopback"] }));
    const client = clientOf(transport, port.url);
    await client.ingestEvent(EVENT, { headers: FORWARDED });
    await client.ingestEvents({ events: [EVENT] }, { headers: FORWARDED });
    await client.ingestEvents({ events: [EVENT] });
    const [alone, ...batches] = originsOf(port);
    expect(alone?.address).toBe("192.0.2.7");
    // The batches that are plain have no origin at all.
    for (const batch of batches) expect(batch).toMatchObject({ address: "", userAgent: "" });
  },
);

const REASON = "client_address may be stated only by senders on the server's own machine";

test.each(TRANSPORTS)("%s: an address is stated on this machine only", async (_, transport) => {
  const port = await openTestPort();
  const client = clientOf(transport, port.url);
  const event = { ...EVENT, clientAddress: "192.0.2.9" };
  await client.ingestEvent(event);
  expect(await client.ingestEvents({ events: [event] })).toMatchObject({ acceptedCount: 1n });
  const headers = { via: "1.1 proxy" };
  await expect(client.ingestEvent(event, { headers })).rejects.toMatchObject({ rawMessage: REASON });
  const { acceptedCount, rejected } = await client.ingestEvents({ events: [EVENT, event] }, { headers });
  expect([acceptedCount, rejected.map(({ index, reason }) => ({ index, reason }))]).toEqual([
    1n,
    [{ index: 1n, reason: REASON }],
  ]);
});

test.each([TRANSPORTS[1], TRANSPORTS[2]].filter((transport) => transport !== undefined))(
  "%s: in a stream as well",
  async (_, transport) => {
    const port = await openTestPort();
    const client = clientOf(transport, port.url);
    const batches = async function* () {
      yield { events: [{ ...EVENT, clientAddress: "192.0.2.9" }, EVENT] };
    };
    expect(await client.ingestEventStream(batches())).toMatchObject({ acceptedCount: 2n });
    const answer = await client.ingestEventStream(batches(), { headers: { via: "1.1 proxy" } });
    expect(answer).toMatchObject({ acceptedCount: 1n, rejectedCount: 1n, rejected: [{ reason: REASON }] });
  },
);

test("REST: an address is stated on this machine only", async () => {
  const port = await openTestPort();
  const body = JSON.stringify({ site_id: "s", event_type: "page_view", client_address: "192.0.2.9" });
  expect(await post(port.url, {}, body)).toMatchObject({ status: 200 });
  expect(await post(port.url, { forwarded: "for=x" }, body)).toEqual({
    status: 400,
    body: { error: REASON },
  });
});

test.each([{ "sec-gpc": "1" }, { dnt: "1" }])(
  "with %j an event is not stored, when that is respected",
  async (headers) => {
    const port = await openTestPort({}, new Origins({ respectGpc: true }));
    expect(await post(port.url, headers)).toEqual({ status: 200, body: { message: NOT_STORED } });
    expect(await post(port.url, headers, "{")).toMatchObject({ status: 400 });
    for (const [, transport] of TRANSPORTS) {
      const client = clientOf(transport, port.url);
      expect(await client.ingestEvent(EVENT, { headers })).toMatchObject({
        message: NOT_STORED,
        eventId: "",
      });
    }
    expect(port.ingest.stored).toEqual([]);
    // A server sends batches for many, of whom it asks nothing.
    await clientOf(grpc, port.url).ingestEvents({ events: [EVENT] }, { headers });
    expect(port.ingest.stored).toHaveLength(1);
  },
);

test("neither in a file nor in a log line there is an address or a user agent", async () => {
  const data = temporaryDirectory();
  const logged: string[] = [];
  const logger = pino({ level: "trace" }, { write: (line: string) => logged.push(line) });
  const keys = new VisitorKeys(data, logger);
  const enricher = new Enricher({ visitors: new Visitors(keys) });
  const ingestor = new Ingestor(Date.now, undefined, BUFFER_LIMITS, enricher);
  const host = new LogHost(await nodeLogFiles(join(data, "log")), ingestor, logger, () => {});
  await host.start(data);
  keys.open();
  const { reports, queries, status } = fakes();
  const origins = new Origins({ trustProxy: ["loopback"] });
  const drain = new AbortController().signal;
  const handlers = createHandlers({ ingest: ingestor, reports, queries, status, origins, drain, logger });
  const port = await openPort({ host: "127.0.0.1", port: 0, ...handlers, logger });
  onTestFinished(async () => {
    keys.close();
    await port.drain(0);
    await host.close("done");
  });
  const client = clientOf(grpc, port.url);
  const stated = { ...EVENT, clientAddress: "192.0.2.9", userAgent: `${FIREFOX} Stated/2.0` };
  expect(await post(port.url, FORWARDED)).toMatchObject({ status: 200 });
  await client.ingestEvent({ ...EVENT, title: "T" }, { headers: FORWARDED });
  await client.ingestEvent(EVENT, { headers: FORWARDED });
  await client.ingestEvents({ events: [stated, { ...stated, siteId: "" }] });
  await expect(client.ingestEvent({ ...stated, siteId: "" })).rejects.toThrow();
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["visitor.keys", "durable"]));
  const all =
    files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1")).join() +
    logged.join();
  for (const secret of ["192.0.2", "198.51.100", "Mozilla", "Gecko", "rv:140", "Stated/2.0"]) {
    expect(all.includes(secret), secret).toBe(false);
  }
  expect(all).toContain("Firefox");
});
