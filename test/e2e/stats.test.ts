// `footfall stats` of our own access log and of events with all that a screen can show.

import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ACCESS_LOG } from "../data/access-log-facts.ts";
import { temporaryDirectory } from "../temporary.ts";
import { footfall, Server } from "./server.ts";

const OWN_LOG = join(import.meta.dirname, "../data/access.log");

test("an imported access log is shown as a site", async () => {
  const { server, data, stats } = await open();
  const flags = ["--site", "shop", "--hostname", "www.example.org"];
  await footfall(["import", "--url", server.url, "--data", data, ...flags, OWN_LOG]);
  await server.caughtUp();
  const { pages } = ACCESS_LOG;
  const { code, stdout } = await stats(["--limit", "3"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^shop\nall time, UTC\n\nvisitors {2}visits {2}page views/);
  expect(stdout).toMatch(new RegExp(`^ *${pages.users} +\\d+ +${pages.views} `, "m"));
  for (const { path, views } of pages.paths.slice(0, 3)) {
    expect(stdout).toMatch(new RegExp(`^${path} +${views} {4}\\S`, "m"));
  }
  expect(stdout).not.toContain(pages.paths[3]?.path);
  expect(stdout).toContain(`\nbots: ${pages.bots} page views, left out\n`);
  expect(stdout).not.toContain("countries");

  expect((await stats(["--include-bots"])).stdout).toContain(`\nbots: ${pages.bots} page views, counted\n`);
  const day = await stats(["--date", "2025-03-03", "--json", "--limit", "1"]);
  const json = JSON.parse(day.stdout);
  expect(json).toMatchObject({
    ...{ site_id: "shop", name: "", time_zone: "UTC", goals: [] },
    ...{ from: "2025-03-03T00:00:00+00:00", to: "2025-03-04T00:00:00+00:00" },
    totals: { pageviews: expect.any(Number), visitors: expect.any(Number), bounce_rate: expect.any(Number) },
    top: { path: [{ path: "/blog/first", pageviews: expect.any(Number) }], country: [] },
  });
  expect(json.totals.pageviews + json.bots.pageviews).toBeLessThan(pages.views + pages.bots);
  expect((await stats(["--date", "2025-03-05"])).stdout).toBe("shop\n2025-03-05, UTC\n\nno events\n");
  // The last 30 days of whenever this runs.
  expect((await stats(["--range", "30d"])).stdout).toMatch(/^shop\n\S+ to \S+, UTC\n\nno events\n$/);
});

test("a site's name, its time zone and its goals are shown", async () => {
  const { server, client, stats } = await open();
  await client.setSite({ siteId: "shop", name: "The Shop", timeZone: "Asia/Kolkata" });
  const condition = { dimension: "event_type", operator: "is", values: ["signup"] };
  await client.setGoal({
    ...{ siteId: "shop", name: "signs up" },
    filter: { kind: { case: "condition", value: condition } },
  });
  const timestamp = "2025-06-01T19:00:00Z";
  const event = { siteId: "shop", eventType: "page_view", path: "/", timestamp };
  const users = ["ann", "bob", "cem", "dee"].map((userId) => ({ ...event, userId }));
  const signup = { ...event, userId: "bob", eventType: "signup", timestamp: "2025-06-01T19:01:23Z" };
  await client.ingestEvents({ events: [...users, signup] });
  await server.caughtUp();
  // 00:30 of the next day in Kolkata.
  const { stdout } = await stats(["--from", "2025-06-02", "--to", "2025-06-02"]);
  expect(stdout).toBe(`shop (The Shop)
2025-06-02, Asia/Kolkata

visitors  visits  page views  views/visit  bounce rate  visit duration
       4       4           4         1.00        75.0%             21s

top pages                        views    entry pages                   visitors
/                                    4    /                                    4

goals                                                  visitors  conversion rate
signs up                                                      1            25.0%
`);
  const utc = await stats(["--from", "2025-06-02", "--time-zone", "UTC"]);
  expect(utc.stdout).toMatch(/^shop \(The Shop\)\n2025-06-02 to \S+ \S+, UTC\n\nno events\n$/);
});

test("a site that was never heard of has no events", async () => {
  const { stats } = await open();
  expect(await stats([])).toMatchObject({ code: 0, stdout: "shop\nall time, UTC\n\nno events\n" });
});

test("a wrong question is answered with what is wrong, before or by the server", async () => {
  const { stats } = await open();
  const cases: readonly [args: string[], message: RegExp][] = [
    [["--range", "5x"], /range is "5x"; it must be one of today, yesterday/],
    [["--range", "7d", "--from", "2025-01-01"], /range cannot be given together with from or to/],
    [["--from", "2025-01-02", "--to", "2025-01-01"], /must be before to/],
    [["--time-zone", "Mars/Base"], /time_zone is "Mars\/Base"/],
    [["--date", "2025-02-30"], /--date must be a day/],
    [["--date", "2025-02-01", "--range", "7d"], /cannot be used with option '--range <name>'/],
    [["--limit", "0"], /--limit must be 1 to 10000/],
    [["--limit", "99999999999"], /--limit must be 1 to 10000/],
  ];
  for (const [args, message] of cases) {
    expect(await stats(args)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
  }
});

async function open() {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const transport = createConnectTransport({ baseUrl: server.url, httpVersion: "1.1" });
  const client = createClient(AnalyticsService, transport);
  const stats = (args: readonly string[]) =>
    footfall(["stats", "--url", server.url, "--site", "shop", ...args]);
  return { data, server, client, stats };
}
