// Questions that take longer than they may, or are more at once than can wait: they are told so, and the server goes on.

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { beforeAll, expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ask } from "./query-client.ts";
import { sharedServer } from "./server.ts";

const SITE = "site";
const EVENTS = 10_000;
/** More than wait and are answered meanwhile, on however many cores. */
const AT_ONCE = 500;

/** It goes through every event, and each has a group of its own. */
const HEAVY = {
  ...{ siteId: SITE, metrics: ["visitors", "visits", "bounce_rate"], limit: 1 },
  dimensions: ["path", "entry_page", "source", "time:hour"],
  filter: { not: { condition: { dimension: "path", operator: "matches", values: ["(a|b)+x$", "z{9}"] } } },
};

const server = sharedServer();

beforeAll(async () => {
  const client = createClient(AnalyticsService, createGrpcTransport({ baseUrl: server().url }));
  const events = Array.from({ length: EVENTS }, (_, n) => ({
    ...{ siteId: SITE, eventType: "page_view", userId: `${n % 999}` },
    path: `/${n}/${"ab".repeat(30)}`,
  }));
  expect(await client.ingestEvents({ events })).toMatchObject({ acceptedCount: BigInt(EVENTS) });
  await server().caughtUp();
});

test("a question whose client waits for one millisecond fails with deadline_exceeded", async () => {
  const { code, status } = await ask(server().url, HEAVY, { "Connect-Timeout-Ms": "1" });
  expect({ code, status }).toEqual({ code: "deadline_exceeded", status: 504 });
  await expectAnswer();
});

test("of more questions than can wait, some are told to come again, and the others are answered", async () => {
  const api = server().child("api");
  const replies = await Promise.all(Array.from({ length: AT_ONCE }, () => ask(server().url, HEAVY)));
  const count = (code: string) => replies.filter((reply) => reply.code === code).length;
  expect(count("resource_exhausted")).toBeGreaterThan(0);
  expect(count("")).toBeGreaterThan(0);
  // Those that waited for too long.
  expect(count("") + count("resource_exhausted") + count("deadline_exceeded")).toBe(AT_ONCE);
  expect(replies.find(({ code }) => code === "resource_exhausted")).toMatchObject({
    ...{ status: 429, message: expect.stringMatching(/questions are waiting already: try again later/) },
  });
  await expectAnswer();
  expect(await server().getJson("/health")).toMatchObject({ status: "healthy" });
  expect(server().child("api")).toBe(api);
});

test("events are taken in while questions keep the threads busy", async () => {
  const asking = Array.from({ length: 10 }, () => ask(server().url, HEAVY));
  const body = JSON.stringify({ site_id: "other", event_type: "page_view" });
  for (let n = 0; n < 20; n += 1) {
    expect((await fetch(`${server().url}/event`, { method: "POST", body })).status).toBe(200);
  }
  for (const { code } of await Promise.all(asking)) expect(code).toBe("");
});

async function expectAnswer(): Promise<void> {
  const question = { siteId: SITE, metrics: ["pageviews"] };
  const { body } = await ask(server().url, question);
  expect(JSON.parse(body)).toMatchObject({ rows: [{ metrics: [EVENTS] }] });
}
