// Events that are sent again and again by every way in, before and after a crash and a rebuild: each counts once.

import { expect, onTestFinished, test } from "vitest";
import type { SentEvent } from "../crash/ledger.ts";
import { openWays, type Way } from "../crash/ways.ts";
import { temporaryDirectory } from "../temporary.ts";
import { footfall, Server } from "./server.ts";

/** The ways that take several events in one request. */
const SEVERAL: ReadonlySet<string> = new Set(["batch", "bulk", "stream"]);

test("an event_id counts once, whatever the protocol, across kill -9, restart and rebuild", async () => {
  const data = temporaryDirectory();
  let server = await Server.start(data);
  // Each way is the first to send an event of its own.
  const events = waysTo(server).map(({ name }) => eventOf(`/first-by-${name}`));
  let sent = 0;
  for (const [index, way] of waysTo(server).entries()) {
    sent += await send(way, events.slice(index, index + 1));
  }
  sent += await sendByAll(server, events);
  await expectToCountOnce(server, events, sent);

  await server.stop("SIGKILL");
  server = await Server.start(data);
  sent += await sendByAll(server, events);
  await expectToCountOnce(server, events, sent);

  expect(await footfall(["rebuild", "--data", data])).toMatchObject({ code: 0 });
  await expectToCountOnce(server, events, sent);
  sent += await sendByAll(server, events);
  await expectToCountOnce(server, events, sent);
});

function waysTo(server: Server): readonly Way[] {
  const ways = openWays(server.url);
  onTestFinished(() => ways.close());
  return ways.all;
}

function eventOf(path: string): SentEvent {
  const common = { marker: "", siteId: "site", eventType: "page_view", userId: "user", timestamp: "" };
  return { ...common, path, eventId: `id of ${path}` };
}

/** Sends each event by each way, at the same time, and twice in one request by those that take several. */
async function sendByAll(server: Server, events: readonly SentEvent[]): Promise<number> {
  const counts = await Promise.all(
    waysTo(server).map(async (way) => {
      if (SEVERAL.has(way.name)) return send(way, [...events, ...events]);
      let sent = 0;
      for (const event of events) sent += await send(way, [event]);
      return sent;
    }),
  );
  return counts.reduce((sum, sent) => sum + sent);
}

/** Sends events that are all accepted; returns how many. */
async function send(way: Way, events: readonly SentEvent[]): Promise<number> {
  const accepted = await way.send(events, AbortSignal.timeout(30_000));
  expect(accepted, `accepted by ${way.name}`).toBe(events.length);
  return accepted;
}

/** All that was sent is in the log, and each event is in the statistics once. */
async function expectToCountOnce(server: Server, events: readonly SentEvent[], sent: number): Promise<void> {
  await server.caughtUp();
  expect(await server.getJson("/health")).toMatchObject({ log_end: sent, queue_size: 0 });
  const paths = events.map(({ path }) => path).sort();
  expect(await server.getJson("/stats?site_id=site&limit=100")).toMatchObject({
    ...{ total_views: events.length, unique_users: 1 },
    top_paths: paths.map((path) => ({ path, views: 1 })),
  });
}
