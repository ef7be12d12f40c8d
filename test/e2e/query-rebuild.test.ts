// A rebuild gives the same answers as the fold that went along with the events: bots, visits, visitors, goals and sites
// included.

import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { EVENT_DIMENSIONS } from "../../src/query/plan.ts";
import { ACCESS_LOG } from "../data/access-log-facts.ts";
import { temporaryDirectory } from "../temporary.ts";
import { ask, call, type EventInit, type Json } from "./query-client.ts";
import { footfall, Server } from "./server.ts";

const OWN_LOG = join(import.meta.dirname, "../data/access.log");
const SITE = "web";
const ALL = ["visitors", "visits", "pageviews", "events"];
const OF_VISITS = ["views_per_visit", "bounce_rate", "visit_duration"];

/** The same whenever they are asked. */
const QUESTIONS: readonly Json[] = [
  ...EVENT_DIMENSIONS.map((dimension) => ({ metrics: ALL, dimensions: [dimension] })),
  ...["entry_page", "exit_page", "props.plan"].map((dimension) => ({
    ...{ metrics: ALL, dimensions: [dimension], includeBots: true },
  })),
  ...["minute", "hour", "day", "week", "month"].map((unit) => ({
    ...{ metrics: ALL, dimensions: [`time:${unit}`], from: "2025-03-03", to: "2025-03-05" },
    ...{ timeZone: "Asia/Kathmandu", limit: 10_000 },
  })),
  ...["browser", "source", "path", "entry_page", "country"].map((dimension) => ({
    ...{ metrics: OF_VISITS, dimensions: [dimension] },
  })),
  { metrics: [...ALL, ...OF_VISITS] },
  { metrics: [...ALL, ...OF_VISITS], includeBots: true },
  { metrics: ["revenue"], currency: "EUR", dimensions: ["path", "event_type"] },
  { metrics: ["revenue"], currency: "USD" },
  { metrics: ["conversion_rate"], goal: "guide", dimensions: ["source"] },
  { metrics: ["conversion_rate", "visitors"], goal: "buys" },
  { metrics: ["visitors"], dimensions: ["browser", "os", "device", "channel"] },
  {
    ...{ metrics: ALL, dimensions: ["time:day", "path"], range: "all" },
    filter: { not: { condition: { dimension: "path", operator: "matches", values: ["^/blog"] } } },
  },
  {
    ...{ metrics: ALL, from: "2025-03-04", to: "2025-03-04", comparison: "COMPARISON_PREVIOUS_PERIOD" },
  },
  { metrics: ["visitors"], dimensions: ["path"], orderBy: [{ key: "path" }], offset: 2, limit: 3 },
];

test("a rebuild answers every question as the live fold does", async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const client = createClient(AnalyticsService, createGrpcTransport({ baseUrl: server.url }));
  const flags = ["--site", SITE, "--hostname", "www.example.org"];
  expect(await footfall(["import", "--url", server.url, "--data", data, ...flags, OWN_LOG])).toMatchObject({
    code: 0,
  });
  await client.setSite({ siteId: SITE, name: "First" });
  await client.setGoal(goal("guide", "path", "/docs/guide.html"));
  await client.setGoal(goal("gone", "path", "/"));
  // In batches that the fold takes one by one, which a rebuild does not: late events, and visits that become one.
  for (const events of [visits(0), visits(7), visits(3)]) {
    const { rejected } = await client.ingestEvents({ events });
    expect(rejected).toEqual([]);
    await server.caughtUp();
  }
  await client.setSite({ siteId: SITE, name: "Second", timeZone: "Europe/Berlin" });
  await client.setGoal(goal("buys", "event_type", "purchase"));
  await client.deleteGoal({ siteId: SITE, name: "gone" });
  await server.caughtUp();

  const before = await answers(server.url);
  const imported = await ask(server.url, {
    ...{ siteId: SITE, metrics: ["pageviews"], filter: { not: onlyUsers() }, range: "all" },
  });
  expect(JSON.parse(imported.body)).toMatchObject({ rows: [{ metrics: [ACCESS_LOG.pages.views] }] });
  expect(await footfall(["rebuild", "--data", data])).toMatchObject({ code: 0 });
  expect(await answers(server.url)).toEqual(before);

  // And of a process that has not seen the one before.
  await server.stop();
  const again = await Server.start(data);
  expect(await answers(again.url)).toEqual(before);
});

/** A visit every ten minutes, of five users in turn, `shiftMinutes` after the hour; with purchases, bots and strangers. */
function visits(shiftMinutes: number): EventInit[] {
  const startMs = Date.parse("2025-03-03T22:00:00Z") + shiftMinutes * 60_000;
  return Array.from({ length: 60 }, (_, n): EventInit => {
    // Backwards: the latest come first.
    const timestamp = new Date(startMs + (60 - n) * 600_000).toISOString();
    const at = { siteId: SITE, eventId: `${shiftMinutes}-${n}`, timestamp, props: { from: "users" } };
    const who = n % 7 === 0 ? { clientAddress: `192.0.2.${n}`, userAgent: "Firefox/128.0" } : {};
    const userId = n % 7 === 0 ? "" : `user-${n % 5}`;
    if (n % 11 === 0) {
      return { ...at, ...who, userId, eventType: "purchase", revenue: { amount: n / 8, currency: "EUR" } };
    }
    const isBot = n % 13 === 0;
    const agent = isBot ? { userAgent: "Googlebot/2.1" } : {};
    const props = { from: "users", plan: n % 2 === 0 ? "pro" : "free" };
    return { ...at, ...who, ...agent, userId, props, eventType: "page_view", path: `/${n % 4}` };
  });
}

function onlyUsers(): Json {
  return { condition: { dimension: "props.from", operator: "is", values: ["users"] } };
}

function goal(name: string, dimension: string, value: string) {
  const condition = { dimension, operator: "is", values: [value] };
  return { siteId: SITE, name, filter: { kind: { case: "condition" as const, value: condition } } };
}

async function answers(url: string): Promise<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const question of QUESTIONS) {
    const { status, body } = await ask(url, { siteId: SITE, ...question });
    expect(status, body).toBe(200);
    expect(body).toContain('"rows":');
    result[JSON.stringify(question)] = JSON.parse(body);
  }
  result.site = JSON.parse((await call(url, "GetSite", JSON.stringify({ siteId: SITE }))).body);
  expect(result.site).toMatchObject({ name: "Second", goals: [{ name: "buys" }, { name: "guide" }] });
  return result;
}
