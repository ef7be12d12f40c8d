// The RPCs that ask about a site, and those that say something about one, over fakes.

import { create, fromJson } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { beforeEach, expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { type Filter, FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { registerQueryService } from "../../src/api/query-service.ts";
import type { IngestError } from "../../src/ingest/ingest.ts";
import { noQueries, type Refusal } from "../../src/query/queries.ts";
import { noReports } from "../../src/readmodel/reports.ts";
import { fakes } from "./fakes.ts";

const QUESTION = { siteId: "s", metrics: ["visitors"], dimensions: ["path"] };

let world = fakes();
let client: Client<typeof AnalyticsService>;

beforeEach(() => {
  world = fakes();
  client = clientOf(world);
});

test("a question is passed on as it was asked, and the answer as it was given", async () => {
  world.queries.reply = {
    kind: "answer",
    rows: [{ dimensions: ["/a"], metrics: [2.5], compared: [1] }],
    ...{ rowCount: 7, from: "2025-01-01T00:00:00+00:00", to: "2025-01-02T00:00:00+00:00", timeZone: "UTC" },
  };
  expect(await client.queryStats({ ...QUESTION, limit: 1, includeBots: true })).toMatchObject({
    rows: [{ dimensions: ["/a"], metrics: [2.5], compared: [1] }],
    ...{ rowCount: 7n, from: "2025-01-01T00:00:00+00:00", to: "2025-01-02T00:00:00+00:00", timeZone: "UTC" },
  });
  expect(world.queries.asked).toMatchObject([{ request: { ...QUESTION, limit: 1, includeBots: true } }]);
});

const REFUSALS: readonly (readonly [Refusal, Code])[] = [
  ["invalid", Code.InvalidArgument],
  ["too_much", Code.ResourceExhausted],
  ["too_slow", Code.DeadlineExceeded],
  ["unreadable", Code.Unavailable],
];
test.for(REFUSALS)("an answer %s has its own code, and its reason", async ([kind, code]) => {
  world.queries.reply = { kind, reason: `because it is ${kind}` };
  expect(await failure(client.queryStats(QUESTION))).toEqual({
    ...{ code, message: `because it is ${kind}` },
  });
});

test("the client's deadline is the question's", async () => {
  const before = Date.now();
  await client.queryStats(QUESTION, { timeoutMs: 5000 });
  await client.queryStats(QUESTION);
  const [first, second] = world.queries.asked.map(({ deadlineMs }) => deadlineMs);
  expect(first).toBeGreaterThan(before + 4000);
  expect(first).toBeLessThanOrEqual(Date.now() + 5000);
  expect(second).toBe(Number.POSITIVE_INFINITY);
});

test("what fails unforeseen is no refusal", async () => {
  const broken = { ask: () => Promise.reject(new Error("a bug")) };
  const { code } = await failure(clientOf({ ...world, queries: broken }).queryStats(QUESTION));
  expect([Code.Internal, Code.Unknown]).toContain(code);
});

test("a server without the role report answers no question about a site", async () => {
  const without = clientOf({ ...world, reports: noReports, queries: noQueries });
  const refused = { code: Code.Unimplemented, message: expect.stringContaining("without the role report") };
  expect(await failure(without.queryStats(QUESTION))).toEqual(refused);
  expect(await failure(without.getSite({ siteId: "s" }))).toEqual(refused);
});

test("what is said about a site is recorded", async () => {
  const filter = condition("path", "is", ["/thanks"]);
  await client.setSite({ siteId: "s", name: "Site", timeZone: "Europe/Berlin" });
  await client.setSite({ siteId: "s" });
  await client.setGoal({ siteId: "s", name: "buys", filter });
  await client.deleteGoal({ siteId: "s", name: "buys" });
  const [site, bare, goal, deleted] = world.ingest.settings;
  const kind = { site: "analytics.v1.RecordedSite", goal: "analytics.v1.RecordedGoal" };
  expect(site).toMatchObject({
    ...{ $typeName: kind.site, siteId: "s", name: "Site", timeZone: "Europe/Berlin" },
  });
  expect(bare).toMatchObject({ $typeName: kind.site, siteId: "s", name: "", timeZone: "" });
  expect(goal).toMatchObject({ $typeName: kind.goal, siteId: "s", name: "buys", filter });
  expect(deleted).toMatchObject({ $typeName: kind.goal, siteId: "s", name: "buys" });
  expect(deleted).not.toHaveProperty("filter");
});

test("what is wrong about a site is named, and not recorded", async () => {
  const filter = condition("path", "is", ["/thanks"]);
  const goal = { siteId: "s", name: "g" };
  const cases: readonly [call: () => Promise<unknown>, message: RegExp][] = [
    [() => client.setSite({ name: "n" }), /^Missing required field: site_id$/],
    [() => client.setSite({ siteId: "x".repeat(129) }), /^site_id .*128/],
    [() => client.setSite({ siteId: "s", name: "x".repeat(257) }), /^name .*256/],
    [() => client.setSite({ siteId: "s", name: "a\nb" }), /^name /],
    [() => client.setSite({ siteId: "s", timeZone: "Mars/Base" }), /^time_zone must be the IANA name/],
    [() => client.setSite({ siteId: "s", timeZone: "+02:00" }), /^time_zone must be the IANA name/],
    [() => client.setGoal({ name: "g", filter }), /^Missing required field: site_id$/],
    [() => client.setGoal({ siteId: "s", filter }), /^Missing required field: name$/],
    [() => client.setGoal({ ...goal, name: "x".repeat(257), filter }), /^name .*256/],
    [() => client.setGoal(goal), /^Missing required field: filter$/],
    [() => client.setGoal({ ...goal, filter: create(FilterSchema) }), /^filter is empty/],
    [() => client.setGoal({ ...goal, filter: condition("nothing", "is", ["a"]) }), /unknown dimension/],
    [
      () => client.setGoal({ ...goal, filter: condition("time:day", "is", ["a"]) }),
      /cannot look at the time/,
    ],
    [() => client.setGoal({ ...goal, filter: condition("path", "like", ["a"]) }), /operator is "like"/],
    [() => client.setGoal({ ...goal, filter: condition("path", "is", []) }), /values is empty/],
    [() => client.setGoal({ ...goal, filter: condition("path", "matches", ["("]) }), /no regular expression/],
    [() => client.deleteGoal({ name: "g" }), /^Missing required field: site_id$/],
    [() => client.deleteGoal({ siteId: "s" }), /^Missing required field: name$/],
    [() => client.getSite({}), /^Missing required field: site_id$/],
  ];
  for (const [call, message] of cases) {
    expect(await failure(call())).toEqual({
      ...{ code: Code.InvalidArgument, message: expect.stringMatching(message) },
    });
  }
  expect(world.ingest.settings).toEqual([]);
});

const INGEST_CODES: readonly (readonly [IngestError["code"], Code])[] = [
  ["buffer_full", Code.ResourceExhausted],
  ["unavailable", Code.Unavailable],
  ["too_large", Code.InvalidArgument],
];
test.for(INGEST_CODES)(
  "a setting that cannot be stored, as ingestion says %s, is no success",
  async ([refusal, code]) => {
    world.ingest.refusal = refusal;
    expect(await failure(client.setSite({ siteId: "s" }))).toMatchObject({ code });
  },
);

test("a site is answered with its goals, in their order", async () => {
  const json = { condition: { dimension: "path", operator: "is", values: ["/a"] } };
  world.reports.settings = {
    ...{ name: "Site", timeZone: "Europe/Berlin" },
    goals: new Map([
      ["a", JSON.stringify(json)],
      ["b", JSON.stringify({ not: json })],
    ]),
  };
  expect(await client.getSite({ siteId: "s" })).toMatchObject({
    ...{ siteId: "s", name: "Site", timeZone: "Europe/Berlin" },
    goals: [
      { name: "a", filter: fromJson(FilterSchema, json) },
      { name: "b", filter: fromJson(FilterSchema, { not: json }) },
    ],
  });
});

test("a site that nothing was said about is in UTC", async () => {
  expect(await client.getSite({ siteId: "s" })).toMatchObject({ name: "", timeZone: "UTC", goals: [] });
});

function clientOf(dependencies: Parameters<typeof registerQueryService>[1]): Client<typeof AnalyticsService> {
  return createClient(
    AnalyticsService,
    createRouterTransport((router) => registerQueryService(router, dependencies)),
  );
}

function condition(dimension: string, operator: string, values: string[]): Filter {
  return create(FilterSchema, { kind: { case: "condition", value: { dimension, operator, values } } });
}

/** What a call fails with; undefined as code when it does not. */
async function failure(call: Promise<unknown>): Promise<{ code?: Code; message: string }> {
  return call.then(
    () => ({ message: "it did not fail" }),
    (error) => {
      const { code, rawMessage } = ConnectError.from(error);
      return { code, message: rawMessage };
    },
  );
}
