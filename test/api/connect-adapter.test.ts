import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import pino from "pino";
import { expect, test } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/ts/health/v1/health_pb.ts";
import { createConnectHandler } from "../../src/api/connect-adapter.ts";
import { HealthService } from "../../src/api/grpc-health.ts";
import { Origins } from "../../src/api/origin.ts";
import { notFound } from "../../src/api/rest.ts";
import { http1, openTestPort, POST_EVENT, RawClient } from "./port-fixture.ts";

test.each([
  ["connect-timeout-ms", "2147483648", createConnectTransport],
  ["grpc-timeout", "1000H", createGrpcTransport],
])("a %s of more than 25 days does not end a stream at once", async (name, timeout, createTransport) => {
  const health = new HealthService([]);
  const handler = createConnectHandler({
    ...{ fallback: notFound, origins: new Origins(), logger: pino({ level: "silent" }) },
    ...{ routes: (router) => health.register(router), shutdownSignal: new AbortController().signal },
  });
  const { url } = await openTestPort({ handler });
  const client = createClient(Health, createTransport({ baseUrl: url, httpVersion: "2" }));
  const watched = client.watch({}, { headers: { [name]: timeout } })[Symbol.asyncIterator]();
  expect((await watched.next()).value.status).toBe(ServingStatus.NOT_SERVING);
  health.set(true);
  expect((await watched.next()).value.status).toBe(ServingStatus.SERVING);
  health.shutdown();
});

test("the request behind a stream that was refused before its end is answered", async () => {
  const { port } = await openTestPort();
  const client = await RawClient.open(port);
  const body = Buffer.alloc(200_000, Buffer.of(1, 0, 0, 0, 5, 0, 0, 0, 0, 0));
  const stream = http1("POST /analytics.v1.AnalyticsService/IngestEventStream", body.toString("latin1"), {
    "Content-Type": "application/connect+proto",
    "Content-Length": String(body.length),
  });
  client.send(Buffer.from(stream.slice(0, -100_000), "latin1"));
  await client.answered();
  client.send(Buffer.from(stream.slice(-100_000) + POST_EVENT, "latin1"));
  await client.answered(2);
  expect(client.received).toContain('{"message":"Event received"}');
});

test("a message in a URL that is no base64 is refused", async () => {
  const { url } = await openTestPort();
  const get = async (message: string) => {
    const query = new URLSearchParams({ connect: "v1", encoding: "json", base64: "1", message });
    const response = await fetch(`${url}/analytics.v1.AnalyticsService/GetStats?${query}`);
    return [response.status, await response.json()];
  };
  for (const message of ["%%%", "abc!"]) {
    const refusal = { code: "invalid_argument", message: expect.stringContaining("is not base64") };
    expect(await get(message)).toEqual([400, refusal]);
  }
  const good = Buffer.from('{"site_id":"s"}').toString("base64url");
  expect(await get(good)).toEqual([200, expect.objectContaining({ siteId: "s" })]);
});
