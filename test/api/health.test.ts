// Health tells the truth: what /health, GetStatus and grpc.health.v1 say while events are refused or statistics wait.

import { expect, test } from "vitest";
import { FaultFiles } from "../log/fault-files.ts";
import { readIds } from "../log/log-fixture.ts";
import { http1, openSession, RawClient, SOON } from "./port-fixture.ts";
import { healthOf, openRealApi, says } from "./real-api.ts";

/** Long enough for the log to be opened again. */
const REOPENED = { timeout: 10_000, interval: 50 };

const event = (id: string) => JSON.stringify({ site_id: "s", event_type: "page_view", event_id: id });
const postEvent = (url: string, id: string) => fetch(`${url}/event`, { method: "POST", body: event(id) });

/** A disk with as much room as the test says, on which a sync may wait. */
class TestFiles extends FaultFiles {
  free = 2 ** 40;
  sync: Promise<void> = Promise.resolve();
  /** The syncs that were begun. */
  syncs = 0;

  override async freeBytes(): Promise<number> {
    await super.freeBytes();
    return this.free;
  }

  override async open(...args: Parameters<FaultFiles["open"]>): ReturnType<FaultFiles["open"]> {
    const file = await super.open(...args);
    const datasync = async () => {
      this.syncs += 1;
      await this.sync;
      await file.datasync();
    };
    return { ...file, datasync };
  }
}

test("a server that takes events in and folds them is healthy", async () => {
  const { url } = await openRealApi({ files: new TestFiles() });
  expect(await healthOf(url)).toEqual(says("healthy"));
});

test.each(["EIO", "ENOSPC"] as const)(
  "when the log has failed (%s), it is said with the reason, and statistics are served",
  async (code) => {
    const files = new TestFiles();
    const { url } = await openRealApi({ files });
    files.fault = { at: files.operations + 1, code, forGood: true };
    const refused = await postEvent(url, "a");
    expect({ status: refused.status, retryAfter: refused.headers.get("retry-after") }).toEqual({
      ...{ status: 503, retryAfter: "1" },
    });
    const reason = `writing the log failed: ${code}: simulated, write`;
    await expect.poll(() => healthOf(url), SOON).toEqual(says("unavailable", reason));
    expect((await fetch(`${url}/stats?site_id=s`)).status).toBe(200);
  },
);

test("no room for the log is said with the reason, statistics are served, and with room all is well again", async () => {
  const files = new TestFiles();
  files.free = 1000;
  const { url } = await openRealApi({ files });
  const reason = "the event log cannot be opened: no room for the log: less than 16 MiB are free";
  expect(await healthOf(url)).toEqual(says("unavailable", reason));
  const refused = await postEvent(url, "a");
  expect({ status: refused.status, body: await refused.json() }).toEqual({
    status: 503,
    body: { error: reason },
  });
  expect((await fetch(`${url}/stats?site_id=s`)).status).toBe(200);

  files.free = 2 ** 40;
  await expect.poll(() => healthOf(url), REOPENED).toEqual(says("healthy"));
  expect((await postEvent(url, "a")).status).toBe(200);
});

test("log files that cannot be read do not keep health from answering", async () => {
  const files = new TestFiles();
  files.fault = { at: 1, code: "EIO", forGood: true };
  const { url } = await openRealApi({ files });
  const reason = "the event log cannot be opened: EIO: simulated, statfs";
  expect(await healthOf(url)).toEqual(says("unavailable", reason));
});

test("a server that drains says so at once, and still takes in what is under way", async () => {
  const files = new TestFiles();
  const { url, port, stop } = await openRealApi({ files });
  const opened = Promise.withResolvers<void>();
  const begun = files.syncs;
  files.sync = opened.promise;
  const http1Client = await RawClient.open(port);
  const { session, request } = openSession(url);
  const [underWay, statusOf] = [request("POST", "/event", event("a")), await RawClient.open(port)];
  http1Client.send(http1("POST /event", event("b")).slice(0, -5));
  await expect.poll(() => files.syncs, SOON).toBe(begun + 1);

  const stopped = stop();
  statusOf.send(
    http1("GET /health") + http1("POST /analytics.v1.AnalyticsService/GetStatus", "{}", JSON_BODY),
  );
  await statusOf.closed;
  http1Client.send(http1("POST /event", event("b")).slice(-5));
  opened.resolve();

  expect(statusOf.answers(503)).toBe(1);
  expect(statusOf.received).toContain('"status":"unavailable"');
  expect(statusOf.received).toContain('"reason":"the server is stopping"');
  expect(await underWay).toMatchObject({ status: 200 });
  await http1Client.answered();
  for (const { socket } of [http1Client, statusOf]) socket.destroy();
  session.close();
  await stopped;
  expect((await readIds(files)).sort()).toEqual(["a", "b"]);
});
const JSON_BODY = { "Content-Type": "application/json" };

test("all ways of asking say that the server drains", async () => {
  const { port, stop } = await openRealApi({ files: new TestFiles() });
  const clients = [await RawClient.open(port), await RawClient.open(port)];
  const stopped = stop();
  clients[0]?.send(http1("POST /analytics.v1.AnalyticsService/GetStatus", "{}", JSON_BODY));
  clients[1]?.send(http1("POST /grpc.health.v1.Health/Check", "{}", JSON_BODY));
  await Promise.all(clients.map(({ closed }) => closed));
  for (const { socket } of clients) socket.destroy();
  await stopped;
  expect(clients[0]?.received).toContain(
    '"state":"SERVICE_STATE_UNAVAILABLE","reason":"the server is stopping"',
  );
  expect(clients[1]?.received).toContain('"status":"NOT_SERVING"');
});

test("a projector that is down is told at once, also when there is nothing to fold", async () => {
  let problem: string | undefined = "the projector is down: it ended without a word";
  const { url } = await openRealApi({ files: new TestFiles(), projectorProblem: () => problem });
  expect(await healthOf(url)).toEqual(says("degraded", problem));
  problem = undefined;
  expect(await healthOf(url)).toEqual(says("healthy"));
});

test("statistics that are further behind than the set lag are told, and not before", async () => {
  const { url } = await openRealApi({ files: new TestFiles(), degradedLagMs: 300 });
  const startedAt = performance.now();
  await postEvent(url, "a");
  const first = await healthOf(url);
  if (performance.now() - startedAt < 300) expect(first).toEqual(says("healthy"));
  await expect
    .poll(async () => (await healthOf(url)).rest, SOON)
    .toEqual({
      code: 200,
      status: "degraded",
      reason: expect.stringMatching(/^the statistics are \d+ ms behind$/),
    });
});

test("statistics that hold more than the log does are told", async () => {
  const files = new TestFiles();
  let folded = 0;
  const checkpoint = () => ({
    ...{
      logId: "0198c0de-0000-7000-8000-0123456789ab",
      nextOffset: folded,
      segment: 0,
      framePosition: 0,
      frameCrc: 0,
    },
  });
  const { url } = await openRealApi({ files, checkpoint });
  await postEvent(url, "a");
  folded = 1;
  expect(await healthOf(url)).toEqual(says("healthy"));
  folded = 5;
  expect(await healthOf(url)).toEqual(
    says("degraded", "the statistics go up to offset 5, and the log ends at 1"),
  );
});
