// Questions and events that are wrong, too large, or made to hurt: each has a clear answer, and the server goes on.

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, expect, test } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { nestedFilterBytes, nestedFilterJson } from "../query/deep-filters.ts";
import { ask, call, type EventInit, type Json, type Reply } from "./query-client.ts";
import { sharedServer } from "./server.ts";

const SITE = "site";
const BINARY = { "Content-Type": "application/proto" };
const MOZILLA = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/** As connect-node answers what it cannot decode; or it is larger than a setting may be. */
const NO_PROTOBUF = { code: "internal", message: expect.stringMatching(/^parse binary: /) };
const TOO_DEEP = ["internal", "resource_exhausted"];
/** Far more than a refusal takes on a busy machine, in ms. */
const SOON_MS = 5000;

const server = sharedServer();
const clientOf = () => createClient(AnalyticsService, createGrpcTransport({ baseUrl: server().url }));
const processes = () => [server().child("api"), server().child("projector")];
let firstProcesses: ReturnType<typeof processes> | undefined;

afterEach(async () => {
  expect(await server().getJson("/health")).toMatchObject({ status: "healthy" });
  firstProcesses ??= processes();
  expect(processes(), "no process has ended").toEqual(firstProcesses);
  expect(server().stderr).not.toMatch(/"level":[56]0/);
});

const condition = (operator: string, ...values: string[]): Json => ({
  condition: { dimension: "path", operator, values },
});

const WRONG: readonly [what: string, question: Json, message: RegExp][] = [
  ["no metric", { metrics: [] }, /^metrics has 0 names; it must have 1 to 10$/],
  ["an unknown metric", { metrics: ["clicks"] }, /^metrics\[0\] is the unknown metric "clicks"; known are /],
  ["an unknown dimension", { dimensions: ["shoe_size"] }, /^dimensions\[0\] has the unknown dimension /],
  ["a metric twice", { metrics: ["visits", "visits"] }, /^metrics has "visits" twice$/],
  [
    "a metric without meaning",
    { metrics: ["bounce_rate"], dimensions: ["title"] },
    /has no meaning by title/,
  ],
  ["an unknown zone", { timeZone: "Mars/Base" }, /^time_zone is "Mars\/Base"; it must be the IANA name/],
  [
    "an unknown goal",
    { metrics: ["conversion_rate"], goal: "none" },
    /^goal is "none", but the site has no /,
  ],
  ["an unknown currency", { metrics: ["revenue"], currency: "EURO" }, /^currency is "EURO"; it must be /],
  ["an unknown range", { range: "fortnight" }, /^range is "fortnight"; it must be one of /],
  ["a reversed range", { from: "2025-01-02", to: "2025-01-01" }, /^from, "2025-01-02", must be before to, /],
  [
    "an empty range",
    { from: "2025-01-01T00:00:00Z", to: "2025-01-01T00:00:00Z" },
    /^from, .* must be before/,
  ],
  ["a day that is none", { from: "2025-02-30" }, /^from is "2025-02-30"; it must be a date, such as /],
  ["a range of 10,000 years", { from: "0000-01-01", to: "9999-12-30" }, /days apart; at most .*100 years/],
  ["a range of 10,000 years in days", { range: "3652425d" }, /^range is longer than 100 years/],
  ["minutes of a century", { dimensions: ["time:minute"], range: "36525d" }, /^dimensions: .*minute/],
  [
    "an order by nothing",
    { orderBy: [{ key: "path" }] },
    /^order_by\[0\]\.key is "path"; it must be asked for/,
  ],
  ["a limit that is too high", { limit: 10_001 }, /^limit is 10001; it must be 1 to 10000/],
  ["an empty filter", { filter: {} }, /^filter is empty; it must have one of condition, and, or, not$/],
  ["a filter of the time", { filter: { condition: { dimension: "time:day" } } }, /cannot look at the time/],
  ["10,000 values", { filter: condition("is", ...Array<string>(10_000).fill("/")) }, /more than 1000 values/],
  ["a pattern that is none", { filter: condition("matches", "(") }, /no regular expression in RE2's syntax/],
  ["a pattern that is huge", { filter: condition("matches", "(x{1,900}){1,900}") }, /values\[0\] is /],
  ["no key of props", { dimensions: ["props."] }, /key of props of 0 bytes/],
  ["a comparison of all time", { comparison: "COMPARISON_PREVIOUS_YEAR" }, /^comparison needs a range with/],
];

test.for(WRONG)("a question with %s is told so", async ([, question, message]) => {
  expectRefusal(await ask(server().url, { siteId: SITE, metrics: ["pageviews"], ...question }), message);
});

test("a question that is no message, or of the wrong types, is told so", async () => {
  for (const body of ["{", "[]", '{"metrics":"visitors"}', '{"limit":1e99}', '{"comparison":"NEVER"}']) {
    expect(await call(server().url, "QueryStats", body), body).toMatchObject({ code: "invalid_argument" });
  }
});

test("a body that is no protobuf, or of nothing but groups that open, is refused", async () => {
  for (const body of [Uint8Array.of(0xff), new Uint8Array(200_000).fill(0x0b)]) {
    expect(await call(server().url, "QueryStats", body, BINARY)).toMatchObject(NO_PROTOBUF);
  }
});

test.for([50, 1000, 20_000])("a filter %d deep is refused, in JSON and in binary", async (depth) => {
  // Beyond 100, protobuf itself reads no further.
  const isRead = depth < 100;
  const reason = isRead ? /^filter is more than 10 filters deep$/ : /maximum recursion depth of 100 reached/;
  const startedAt = performance.now();
  const json = `{"siteId":"${SITE}","metrics":["events"],"filter":${nestedFilterJson(depth)}}`;
  expectRefusal(await call(server().url, "QueryStats", json), reason);
  // QueryStatsRequest.filter is field 4, SetGoalRequest.filter field 3.
  const question = nestedFilterBytes(depth, 4, { 1: SITE, 2: "events" });
  const goal = nestedFilterBytes(depth, 3, { 1: SITE, 2: "goal" });
  const answers = [
    await call(server().url, "QueryStats", question, BINARY),
    await call(server().url, "SetGoal", goal, BINARY),
  ];
  for (const answer of answers) {
    if (isRead) expectRefusal(answer, reason);
    else expect(TOO_DEEP).toContain(answer.code);
  }
  expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
});

test("a question larger than 256 KiB is refused without being read", async () => {
  const json = `{"siteId":"${SITE}","metrics":["events"],"filter":${nestedFilterJson(100_000)}}`;
  const code = "resource_exhausted";
  expect(await call(server().url, "QueryStats", json)).toMatchObject({ code });
  const question = nestedFilterBytes(100_000, 4, { 1: SITE, 2: "events" });
  expect(await call(server().url, "QueryStats", question, BINARY)).toMatchObject({ code });
});

test("a pattern that would backtrack for ever is matched at once", async () => {
  const siteId = "patterns";
  await clientOf().ingestEvents({
    events: Array.from({ length: 1000 }, (_, n) => ({
      ...{ siteId, eventType: "page_view", path: `/${"a".repeat(1000)}${n}` },
    })),
  });
  await server().caughtUp();
  for (const pattern of ["(a+)+$", "(a|a)*b", "^(.*)*x$", "(a*)*(a*)*z"]) {
    const startedAt = performance.now();
    const question = { siteId, metrics: ["pageviews"], filter: condition("matches", pattern) };
    expect(JSON.parse((await ask(server().url, question)).body)).toMatchObject({ rows: [{ metrics: [0] }] });
    expect(performance.now() - startedAt).toBeLessThan(SOON_MS);
  }
});

test.for(["it's", 'a"b', "a\nb", "'); DROP TABLE events; --", "$.a", "a.b[0]", "__proto__", "ключ"])(
  "the key %j of props is a key like any other",
  async (key) => {
    const siteId = `props ${key.replaceAll("\n", " ")}`;
    const event = { site_id: siteId, event_type: "page_view" };
    const body = `${JSON.stringify(event).slice(0, -1)},"props":{${JSON.stringify(key)}:"v'\\"\\n"}}`;
    expect((await fetch(`${server().url}/event`, { method: "POST", body })).status).toBe(200);
    await server().caughtUp();
    const dimension = `props.${key}`;
    const is = { condition: { dimension, operator: "is", values: ["v'\"\n"] } };
    for (const filter of [is, { not: { condition: { ...is.condition, values: [""] } } }]) {
      const question = { siteId, metrics: ["events"], dimensions: [dimension], filter };
      expect(JSON.parse((await ask(server().url, question)).body)).toMatchObject({
        rows: [{ dimensions: ["v'\"\n"], metrics: [1] }],
      });
    }
  },
);

const WRONG_EVENTS: readonly [what: string, fields: Json, message: RegExp][] = [
  ["revenue of NaN", { revenue: { amount: "NaN", currency: "EUR" } }, /revenue\.amount must be a finite num/],
  ["endless revenue", { revenue: { amount: "Infinity", currency: "EUR" } }, /revenue\.amount must be a fin/],
  ["revenue in no currency", { revenue: { amount: 1 } }, /Missing required field: revenue\.currency/],
  ["revenue in shells", { revenue: { amount: 1, currency: "SHL" } }, /revenue\.currency must be a currency/],
  ["31 props", { props: Object.fromEntries(Array.from({ length: 31 }, (_, n) => [n, ""])) }, /props has 31/],
  ["a key that is empty", { props: { "": "x" } }, /a key of props is empty/],
  ["a key with a NUL", { props: { "\0": "x" } }, /a key of props must not contain control characters/],
  ["a language that is none", { language: "Deutsch!" }, /language must be a language tag/],
  ["a screen of a mile", { screenWidth: 100_001 }, /screen_width must be/],
  ["an address that is none", { clientAddress: "here" }, /client_address must be an IP address/],
];

test.for(WRONG_EVENTS)("an event with %s is told so", async ([, fields, message]) => {
  const event = { siteId: SITE, eventType: "page_view", ...fields };
  expectRefusal(await call(server().url, "IngestEvent", JSON.stringify(event)), message);
  const batch = await call(server().url, "IngestEvents", JSON.stringify({ events: [event] }));
  expect(JSON.parse(batch.body)).toMatchObject({ rejected: [{ reason: expect.stringMatching(message) }] });
});

test("NaN in binary is no amount either", async () => {
  const event: EventInit = {
    siteId: SITE,
    eventType: "page_view",
    revenue: { amount: Number.NaN, currency: "EUR" },
  };
  await expect(clientOf().ingestEvent(event)).rejects.toThrow("revenue.amount must be a finite number");
});

test("a user agent of 64 KB is a plain value, and a longer one is told so", async () => {
  const siteId = "long agent";
  const long = (bytes: number): EventInit => ({
    ...{ siteId, eventType: "page_view", clientAddress: "192.0.2.1" },
    userAgent: MOZILLA.padEnd(bytes, " (x)"),
  });
  const { rejected } = await clientOf().ingestEvents({ events: [long(65_536), long(65_537)] });
  expect(rejected).toMatchObject([
    { index: 1n, reason: expect.stringMatching(/^user_agent is 65537 bytes/) },
  ]);
  await server().caughtUp();
  const question = { siteId, metrics: ["visitors"], dimensions: ["browser", "os"] };
  expect(JSON.parse((await ask(server().url, question)).body)).toMatchObject({
    rows: [{ dimensions: ["Firefox", "Linux"], metrics: [1] }],
  });
  // As a header it is more than HTTP/1.1 or HTTP/2 have room for.
  const body = JSON.stringify({ site_id: siteId, event_type: "page_view" });
  const headers = { "User-Agent": "x".repeat(65_536) };
  expect((await fetch(`${server().url}/event`, { method: "POST", headers, body })).status).toBe(431);
});

test("an X-Forwarded-For of an untrusted sender makes no other visitor of it", async () => {
  const siteId = "forwarded";
  const body = JSON.stringify({ site_id: siteId, event_type: "page_view" });
  for (const address of ["198.51.100.1", "198.51.100.2", "not an address", "::1, ".repeat(500)]) {
    const headers = { "User-Agent": MOZILLA, "X-Forwarded-For": address };
    expect((await fetch(`${server().url}/event`, { method: "POST", headers, body })).status).toBe(200);
  }
  // And who was passed on may not say who somebody else is.
  const stated = JSON.stringify({ siteId, eventType: "page_view", clientAddress: "192.0.2.1" });
  expectRefusal(
    await call(server().url, "IngestEvent", stated, { "X-Forwarded-For": "198.51.100.1" }),
    /client_address may be stated only by senders on the server's own machine/,
  );
  await server().caughtUp();
  const question = { siteId, metrics: ["visitors", "pageviews"] };
  expect(JSON.parse((await ask(server().url, question)).body)).toMatchObject({ rows: [{ metrics: [1, 4] }] });
});

function expectRefusal({ status, code, message }: Reply, reason: RegExp): void {
  expect({ status, code, message }).toEqual({
    ...{ status: 400, code: "invalid_argument", message: expect.stringMatching(reason) },
  });
}
