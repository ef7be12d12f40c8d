// Whole logs: one of our own making, and a real one.

import { join } from "node:path";
import { isbot } from "isbot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IngestEventRequest } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ACCESS_LOG } from "../data/access-log-facts.ts";
import { needsRealLog, REAL_LOG } from "../needs.ts";
import { Workbench } from "./workbench.ts";

const OWN_LOG = join(import.meta.dirname, "../data/access.log");
const EVERYTHING = { includeAssets: true, includeBots: true };

let bench: Workbench;

beforeEach(async () => {
  bench = await Workbench.open();
});
afterEach(() => bench.close());

/** How often each value of `key` occurs in events that are not of bots, the most frequent first, then by value. */
function ranked(key: (event: IngestEventRequest) => string): [string, number][] {
  const counts = new Map<string, number>();
  const events = [...bench.server.stored.values()].filter(({ userAgent }) => !isbot(userAgent));
  for (const event of events) counts.set(key(event), (counts.get(key(event)) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

const paths = () => ranked(({ path }) => path).map(([path, views]) => ({ path, views }));
const counts = (key: (event: IngestEventRequest) => string) => Object.fromEntries(ranked(key));
const users = () => ranked(({ userId }) => userId).length;
const days = () => counts(({ timestamp = "" }) => timestamp.slice(0, 10));

describe("our own log", () => {
  test("gives all views, users, paths and days with both flags", async () => {
    const { summary, stderr } = await bench.run([OWN_LOG], EVERYTHING);
    const { lines, notPages, malformedLine, everything } = ACCESS_LOG;
    expect(summary).toMatchObject({
      lines,
      sent: everything.views,
      notPages,
      malformed: 1,
      assets: 0,
      bots: 0,
    });
    expect(stderr).toBe(`${OWN_LOG}:${malformedLine}: malformed: not in the combined format\n`);
    expect({ users: users(), paths: paths(), days: days() }).toEqual({
      users: everything.users,
      paths: everything.paths,
      days: everything.days,
    });
  });

  test("gives the pages that people saw, how they came, and bots as such by default", async () => {
    const { summary } = await bench.run([OWN_LOG]);
    const { assets, bots, views, campaigns, referrers, ...seen } = ACCESS_LOG.pages;
    expect(summary).toMatchObject({ sent: views + bots, flagged: bots, assets, bots: 0 });
    expect(seen).toMatchObject({ users: users(), paths: paths() });
    expect(counts(({ referrer }) => referrer)).toEqual(referrers);
    expect(counts(({ url }) => url)).toEqual({ ...campaigns, "": views - 9 });
  });
});

describe("a real log", () => {
  test("gives the known figures with both flags", async ({ skip }) => {
    needsRealLog(skip);
    const { summary } = await bench.run([REAL_LOG], EVERYTHING);
    expect(summary).toMatchObject({ lines: 10_000, sent: 9_580, malformed: 1, rejected: 0 });
    expect(users()).toBe(1_691);
    expect(paths().slice(0, 4)).toEqual([
      { path: "/favicon.ico", views: 799 },
      { path: "/", views: 572 },
      { path: "/style2.css", views: 546 },
      { path: "/reset.css", views: 538 },
    ]);
  });

  test("gives only pages by default", async ({ skip }) => {
    needsRealLog(skip);
    const { summary } = await bench.run([REAL_LOG]);
    expect(summary.flagged).toBeGreaterThan(0);
    expect(summary.sent).toBeGreaterThan(summary.flagged);
    expect(paths().filter(({ path }) => /\.(css|js|png|ico)$|robots/.test(path))).toEqual([]);
  });
});
