// Real traffic, from file to statistics, by the command line.

import { join } from "node:path";
import { fromJsonString } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { QueryStatsResponseSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { ACCESS_LOG } from "../data/access-log-facts.ts";
import { needsRealLog, REAL_LOG } from "../needs.ts";
import { temporaryDirectory } from "../temporary.ts";
import { footfall, Server } from "./server.ts";

const OWN_LOG = join(import.meta.dirname, "../data/access.log");
const EVERYTHING = ["--include-assets", "--include-bots"];

test("our own log gives its numbers, and a second import changes nothing", async () => {
  const { views, users, paths } = ACCESS_LOG.everything;
  const { importLog, server, data } = await open();
  expect(await importLog(OWN_LOG, EVERYTHING)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${views} events sent`),
    stderr: expect.stringContaining(`${OWN_LOG}:${ACCESS_LOG.malformedLine}: malformed`),
  });
  await server.caughtUp();
  const first = await server.getJson("/stats?site_id=web&limit=1000");
  expect(first).toMatchObject({ total_views: views, unique_users: users, top_paths: paths });
  expect(await importLog(OWN_LOG, EVERYTHING)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${views} already imported`),
  });
  // Sent once more, every event has the id that it had before.
  expect(await importLog(OWN_LOG, [...EVERYTHING, "--again"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${views} events sent`),
  });
  await server.caughtUp();
  expect(await server.getJson("/stats?site_id=web&limit=1000")).toEqual(first);

  const { stdout } = await footfall(["stats", "--url", server.url, "--site", "web", "--date", "2025-03-03"]);
  expect(stdout).toMatch(/^web\n2025-03-03, UTC\n\nvisitors .*\n +\d+ +\d+ +66 /);
  const cat = await footfall(["log", "cat", "--data", data]);
  const events = cat.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.map(({ offset }) => offset)).toEqual(Array.from({ length: 2 * views }, (_, n) => n));
  expect(JSON.stringify(events)).not.toMatch(/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b|Mozilla/);
});

test("our own log gives people's pages by default, and how they came; bots are kept, and do not count", async () => {
  const { importLog, server, ask } = await open();
  const { views, users, paths, bots, sources, browsers } = ACCESS_LOG.pages;
  const flags = ["--hostname", "www.example.org"];
  expect(await importLog(OWN_LOG, flags)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${views + bots} events sent\n${bots} of them bots, flagged as such`),
  });
  await server.caughtUp();
  const stats = { total_views: views, unique_users: users, top_paths: paths };
  expect(await server.getJson("/stats?site_id=web&limit=1000")).toMatchObject(stats);
  expect(await ask({ dimensions: ["source"] })).toEqual(sources);
  expect(await ask({ dimensions: ["browser"] })).toEqual(browsers);
  expect(await ask({ includeBots: true })).toEqual({ "": views + bots });

  // What was sent flagged stays so.
  expect(await importLog(OWN_LOG, [...flags, "--include-bots"])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`0 events sent\n${views + bots} already imported`),
  });
  await importLog(OWN_LOG, [...flags, "--include-bots", "--again"]);
  await server.caughtUp();
  expect(await server.getJson("/stats?site_id=web&limit=1000")).toMatchObject(stats);
});

test("a real log gives the known numbers", async ({ skip }) => {
  needsRealLog(skip);
  const { importLog, server } = await open();
  const { code, stdout, stderr } = await importLog(REAL_LOG, EVERYTHING);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining("9,580 events sent") });
  expect(stderr.match(/malformed/g)).toHaveLength(1);
  await server.caughtUp();
  const first = await server.getJson("/stats?site_id=web&limit=4");
  expect(first).toMatchObject({
    total_views: 9_580,
    unique_users: 1_691,
    top_paths: [
      { path: "/favicon.ico", views: 799 },
      { path: "/", views: 572 },
      { path: "/style2.css", views: 546 },
      { path: "/reset.css", views: 538 },
    ],
  });
  await importLog(REAL_LOG, [...EVERYTHING, "--again"]);
  await server.caughtUp();
  expect(await server.getJson("/stats?site_id=web&limit=4")).toEqual(first);
});

test("a file that is not there is named", async () => {
  const { importLog } = await open();
  const file = join(OWN_LOG, "nothing");
  expect(await importLog(file, [])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`footfall: ${file}`),
  });
});

async function open() {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const importLog = (file: string, flags: readonly string[]) =>
    footfall(["import", "--url", server.url, "--data", data, "--site", "web", ...flags, file]);
  /** The page views of a question, by its one dimension. */
  const ask = async (question: object): Promise<Record<string, number>> => {
    const response = await fetch(`${server.url}/analytics.v1.AnalyticsService/QueryStats`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ siteId: "web", metrics: ["pageviews"], ...question }),
    });
    const { rows } = fromJsonString(QueryStatsResponseSchema, await response.text());
    return Object.fromEntries(rows.map(({ dimensions, metrics }) => [dimensions[0] ?? "", metrics[0] ?? 0]));
  };
  return { data, server, importLog, ask };
}
