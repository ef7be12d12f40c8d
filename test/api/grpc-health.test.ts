// The health service as clients see it, over HTTP/2.

import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/ts/health/v1/health_pb.ts";
import { HealthService } from "../../src/api/grpc-health.ts";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;
const SERVICE = "analytics.v1.AnalyticsService";

let health = new HealthService([]);
let drain = new AbortController();
let client = createClient(
  Health,
  createRouterTransport(() => {}),
);
let close = () => {};

beforeEach(async () => {
  health = new HealthService([SERVICE]);
  drain = new AbortController();
  const server = createServer(
    connectNodeAdapter({ routes: (router) => health.register(router), shutdownSignal: drain.signal }),
  );
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  client = createClient(Health, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
  close = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
});
afterEach(() => close());

/** Watches `service`; `next` gives the next status, or undefined at the end of the stream. */
function watch(service: string, signal = new AbortController().signal) {
  const answers = client.watch({ service }, { signal })[Symbol.asyncIterator]();
  return {
    next: async () => {
      const answer = await answers.next();
      return answer.done ? undefined : answer.value.status;
    },
  };
}

test("nothing serves before it is said to", async () => {
  expect(await client.check({})).toMatchObject({ status: NOT_SERVING });
});

test.each(["", SERVICE])("check of %j tells the status of now", async (service) => {
  health.set(true);
  expect(await client.check({ service })).toMatchObject({ status: SERVING });
  health.set(false);
  expect(await client.check({ service })).toMatchObject({ status: NOT_SERVING });
});

test("check of an unknown service is not_found", async () => {
  health.set(true);
  await expect(client.check({ service: "no.Such" })).rejects.toMatchObject({
    code: Code.NotFound,
    rawMessage: 'unknown service "no.Such"',
  });
});

test("list tells the status of the server and of each service", async () => {
  health.set(true);
  const { statuses } = await client.list({});
  expect(statuses).toMatchObject({ "": { status: SERVING }, [SERVICE]: { status: SERVING } });
  expect(Object.keys(statuses)).toHaveLength(2);
});

test("a watcher gets the current status and then each change, once", async () => {
  health.set(true);
  const watcher = watch(SERVICE);
  expect(await watcher.next()).toBe(SERVING);
  health.set(true);
  health.set(false);
  expect(await watcher.next()).toBe(NOT_SERVING);
  health.set(false);
  health.set(true);
  expect(await watcher.next()).toBe(SERVING);
});

test("changes in one turn all get to all watchers, in order", async () => {
  const watchers = Array.from({ length: 20 }, () => watch(""));
  for (const { next } of watchers) expect(await next()).toBe(NOT_SERVING);
  for (const serving of [true, false, true]) health.set(serving);
  for (const { next } of watchers) {
    expect([await next(), await next(), await next()]).toEqual([SERVING, NOT_SERVING, SERVING]);
  }
});

test("a watcher of an unknown service is told so, and stays", async () => {
  const watcher = watch("no.Such");
  expect(await watcher.next()).toBe(SERVICE_UNKNOWN);
  health.set(true);
  let hasAnswer = false;
  const next = watcher.next().finally(() => {
    hasAnswer = true;
  });
  await client.check({});
  expect(hasAnswer).toBe(false);
  health.shutdown();
  expect(await next).toBeUndefined();
});

test("watchers are told of the shutdown, then their streams end", async () => {
  health.set(true);
  const watcher = watch(SERVICE);
  expect(await watcher.next()).toBe(SERVING);
  health.shutdown();
  // The order in which a process drains: the handlers are aborted right behind.
  drain.abort();
  expect(await watcher.next()).toBe(NOT_SERVING);
  expect(await watcher.next()).toBeUndefined();
});

test("after the shutdown nothing serves again, and a new watcher ends at once", async () => {
  health.set(true);
  health.shutdown();
  health.set(true);
  expect(await client.check({})).toMatchObject({ status: NOT_SERVING });
  const watcher = watch("");
  expect(await watcher.next()).toBe(NOT_SERVING);
  expect(await watcher.next()).toBeUndefined();
});

test("a client that goes away leaves the others their watch", async () => {
  const leaving = new AbortController();
  const [left, stays] = [watch("", leaving.signal), watch("")];
  expect([await left.next(), await stays.next()]).toEqual([NOT_SERVING, NOT_SERVING]);
  leaving.abort();
  await expect(left.next()).rejects.toMatchObject({ code: Code.Canceled });
  health.set(true);
  expect(await stays.next()).toBe(SERVING);
});
