// More events than the disk takes: what does not fit is refused at once, what is acknowledged is stored, memory stays
// bounded, and when the disk has caught up all is taken again. The api's own pieces, over real sockets and real files.

import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { expect, onTestFinished, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { type LogFiles, nodeLogFiles } from "../../src/log/files.ts";
import { pause } from "../../src/pause.ts";
import { readIds } from "../log/log-fixture.ts";
import { temporaryDirectory } from "../temporary.ts";
import { SOON } from "./port-fixture.ts";
import { openRealApi } from "./real-api.ts";

const SLOW_SYNC_MS = 200;
const LIMITS = { bytes: 1024 * 1024, records: 100 };
/** The process is server and clients in one; it may keep this much more than it had when it was warm, in bytes. */
const MEMORY_BOUND = 50 * 1024 * 1024;
/** In this time V8 takes 140 MiB for the young objects of servers and clients, and then no more. */
const WARM_UP_SECONDS = 6;
const SECONDS = 9;

/** Real files whose syncs wait for `before`. */
async function slowFiles(before: () => Promise<void>): Promise<LogFiles> {
  const files = await nodeLogFiles(join(temporaryDirectory(), "log"));
  return {
    ...files,
    open: async (name, mode) => {
      const file = await files.open(name, mode);
      const datasync = async () => {
        await before();
        await file.datasync();
      };
      return { ...file, datasync };
    },
  };
}

const event = (eventId: string) => ({ siteId: "s", eventType: "page_view", path: "/p", eventId });
const eventJson = (id: string) =>
  JSON.stringify({ site_id: "s", event_type: "page_view", path: "/p", event_id: id });

/** Sends one event by REST. */
async function postEvent(url: string, id: string): Promise<{ status: number; retryAfter: string | null }> {
  const response = await fetch(`${url}/event`, { method: "POST", body: eventJson(id) });
  await response.text();
  return { status: response.status, retryAfter: response.headers.get("retry-after") };
}

function grpcClient(url: string) {
  const sessions = new Http2SessionManager(url);
  onTestFinished(() => sessions.abort());
  return createClient(AnalyticsService, createGrpcTransport({ baseUrl: url, sessionManager: sessions }));
}

test("while the disk stands still and the buffer is full, all are refused at once; then what waited is stored", async () => {
  let disk: Promise<void> = Promise.resolve();
  const files = await slowFiles(() => disk);
  const { url, ingestor } = await openRealApi({ files, limits: { bytes: 1024 * 1024, records: 10 } });
  const client = grpcClient(url);
  const goesOn = Promise.withResolvers<void>();
  disk = goesOn.promise;
  const waiting = Array.from({ length: 10 }, (_, n) => postEvent(url, `waiting-${n}`));
  await expect.poll(() => ingestor.waiting, SOON).toBe(10);

  // These answers come though the disk stands still.
  expect(await postEvent(url, "refused")).toEqual({ status: 503, retryAfter: "1" });
  await expect(client.ingestEvent(event("refused"))).rejects.toThrow("[resource_exhausted]");
  const batch = { events: [event("refused")] };
  await expect(client.ingestEvents(batch)).rejects.toThrow("[resource_exhausted]");
  const stream = async function* () {
    yield batch;
  };
  await expect(client.ingestEventStream(stream())).rejects.toThrow("[resource_exhausted]");
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "healthy", queue_size: 10 });

  goesOn.resolve();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => ({ status: 200, retryAfter: null })));
  expect((await postEvent(url, "after")).status).toBe(200);
  expect((await readIds(files)).sort()).toEqual(["after", ...waiting.map((_, n) => `waiting-${n}`)].sort());
});

test("on a disk whose syncs take 200 ms, an overload is refused in part, and acknowledged is what is stored", async () => {
  const files = await slowFiles(() => pause(SLOW_SYNC_MS));
  const { url, ingestor } = await openRealApi({ files, limits: LIMITS });
  const client = grpcClient(url);
  const acknowledged: string[] = [];
  const refused = { rest: 0, grpc: 0 };
  let isOver = false;

  const sendSingles = async (sender: number) => {
    for (let n = 0; !isOver; n += 1) {
      const { status } = await postEvent(url, `single-${sender}-${n}`);
      if (status === 200) acknowledged.push(`single-${sender}-${n}`);
      else {
        expect(status).toBe(503);
        refused.rest += 1;
      }
      // Singles that all come when a commit has ended would find room before the batches do.
      await pause(5 * (n % 40));
    }
  };
  const sendBatches = async (sender: number, length: number) => {
    for (let n = 0; !isOver; n += 1) {
      const ids = Array.from({ length }, (_, at) => `batch-${sender}-${n}-${at}`);
      try {
        await client.ingestEvents({ events: ids.map(event) });
        acknowledged.push(...ids);
      } catch (error) {
        expect(String(error)).toContain("[resource_exhausted]");
        refused.grpc += 1;
        await pause(20);
      }
    }
  };
  const memory: number[] = [];
  // Short batches take the room that long ones leave, so that there is none for some of the singles.
  const senders = [
    ...Array.from({ length: 8 }, (_, sender) => sendSingles(sender)),
    ...Array.from({ length: 4 }, (_, sender) => sendBatches(sender, 20)),
    ...Array.from({ length: 30 }, (_, sender) => sendBatches(4 + sender, 1)),
  ];
  for (let second = 1; second <= SECONDS; second += 1) {
    await pause(1000);
    if (second >= WARM_UP_SECONDS) memory.push(process.memoryUsage.rss());
    expect(ingestor.waiting).toBeLessThanOrEqual(LIMITS.records);
  }
  isOver = true;
  await Promise.all(senders);

  expect(refused.rest).toBeGreaterThan(0);
  expect(refused.grpc).toBeGreaterThan(0);
  expect(acknowledged.length).toBeGreaterThan(1000);
  expect((memory.at(-1) ?? 0) - (memory[0] ?? 0)).toBeLessThan(MEMORY_BOUND);
  // All is taken again, with nobody's help.
  await expect.poll(() => ingestor.waiting, SOON).toBe(0);
  expect(await postEvent(url, "after")).toEqual({ status: 200, retryAfter: null });
  expect((await readIds(files)).sort()).toEqual([...acknowledged, "after"].sort());
});
