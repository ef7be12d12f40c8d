// Every way in, through one port of a real server: the same question gets the same answer.

import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../gen/ts/health/v1/health_pb.ts";
import { temporaryDirectory } from "../temporary.ts";
import { Server, sharedServer, until } from "./server.ts";
import { certificate } from "./tls.ts";

interface Way {
  readonly name: string;
  readonly transport: (baseUrl: string) => Transport;
}

const http1 = { httpVersion: "1.1" } as const;
const http2 = { httpVersion: "2" } as const;
const WAYS: readonly Way[] = [
  {
    name: "connect-json",
    transport: (baseUrl) => createConnectTransport({ baseUrl, ...http1, useBinaryFormat: false }),
  },
  { name: "connect-proto", transport: (baseUrl) => createConnectTransport({ baseUrl, ...http1 }) },
  { name: "connect-h2c", transport: (baseUrl) => createConnectTransport({ baseUrl, ...http2 }) },
  {
    name: "connect-get",
    transport: (baseUrl) => createConnectTransport({ baseUrl, ...http1, useHttpGet: true }),
  },
  { name: "grpc", transport: (baseUrl) => createGrpcTransport({ baseUrl }) },
  { name: "grpc-web", transport: (baseUrl) => createGrpcWebTransport({ baseUrl, ...http1 }) },
  { name: "grpc-web-h2c", transport: (baseUrl) => createGrpcWebTransport({ baseUrl, ...http2 }) },
];

describe("a server in clear text", () => {
  const server = sharedServer();

  test.for(WAYS)("counts an event, a batch and a stream that come by $name", async ({ name, transport }) => {
    await expectToCount(transport(server().url), name);
  });

  test("takes the body of POST /event as Connect JSON, under both spellings of the fields", async () => {
    const url = `${server().url}/analytics.v1.AnalyticsService/IngestEvent`;
    for (const body of [
      { site_id: "spelling", event_type: "page_view", path: "/a", user_id: "u" },
      { siteId: "spelling", eventType: "page_view", path: "/a", userId: "u" },
    ]) {
      const headers = { "Content-Type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ message: "Event received" });
    }
    await server().caughtUp();
    expect(await server().getJson("/stats?site_id=spelling")).toMatchObject({
      total_views: 2,
      unique_users: 1,
    });
  });

  test("answers a Connect GET that curl or a browser could send", async () => {
    const message = encodeURIComponent(JSON.stringify({ siteId: "nobody" }));
    const query = `connect=v1&encoding=json&message=${message}`;
    const answer = await server().getJson(`/analytics.v1.AnalyticsService/GetStats?${query}`);
    expect(answer).toEqual({ siteId: "nobody" });
  });

  test("says by grpc.health.v1 that it serves", async () => {
    const health = createClient(Health, createGrpcTransport({ baseUrl: server().url }));
    for (const service of ["", AnalyticsService.typeName]) {
      expect((await health.check({ service })).status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    }
  });

  test("answers what it does not have with 404, and lives on", async () => {
    for (const path of ["/", "/favicon.ico", "/analytics.v1.AnalyticsService/Nothing", "/%00", "//event"]) {
      expect((await fetch(server().url + path)).status).toBe(404);
    }
    expect(await server().getJson("/health")).toMatchObject({ status: "healthy" });
  });
});

describe("a server with a certificate", () => {
  test("speaks HTTP/1.1 and HTTP/2 by ALPN, and nothing in clear text", async () => {
    const directory = temporaryDirectory();
    const { cert, key, ca } = certificate(directory);
    const server = await Server.start(directory, ["--port", "0", "--tls-cert", cert, "--tls-key", key]);
    expect(server.url).toMatch(/^https:/);
    const nodeOptions = { ca };
    const baseUrl = server.url.replace("127.0.0.1", "localhost");
    await expectToCount(createGrpcTransport({ baseUrl, nodeOptions }), "tls-grpc");
    await expectToCount(createConnectTransport({ baseUrl, ...http1, nodeOptions }), "tls-connect");
    await expect(fetch(server.url.replace("https", "http"))).rejects.toThrow("fetch failed");
  });
});

/** One event by each ingest RPC, then the statistics, under a site of its own. */
async function expectToCount(transport: Transport, siteId: string): Promise<void> {
  const client = createClient(AnalyticsService, transport);
  const event = { siteId, eventType: "page_view", path: "/pricing", userId: "u" };
  expect(await client.ingestEvent({ ...event, eventId: "one" })).toMatchObject({
    message: "Event received",
    eventId: "one",
  });
  expect(await client.ingestEvents({ events: [event, { ...event, siteId: "" }] })).toMatchObject({
    acceptedCount: 1n,
    rejected: [{ index: 1n, reason: "Missing required field: site_id" }],
  });
  async function* batches() {
    yield { events: [event, event] };
    yield { events: [{ ...event, eventId: "one" }] };
  }
  // A stream needs no more than to end before the answer, so HTTP/1.1 has it too.
  expect(await client.ingestEventStream(batches())).toMatchObject({ acceptedCount: 3n, rejectedCount: 0n });
  // "one" was sent twice: 1 + 1 + 2 count.
  const stats = await until("the events are in the statistics", async () => {
    const answer = await client.getStats({ siteId });
    return answer.totalViews >= 4n ? answer : undefined;
  });
  expect(stats).toMatchObject({
    siteId,
    totalViews: 4n,
    uniqueUsers: 1n,
    topPaths: [{ path: "/pricing", views: 4n }],
  });
  expect(stats.date).toBeUndefined();
}
