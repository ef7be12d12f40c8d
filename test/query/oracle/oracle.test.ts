// The oracle held to answers that were found by hand.

import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { BotReason } from "../../../gen/ts/analytics/v1/event_log_pb.ts";
import { FilterSchema } from "../../../gen/ts/analytics/v1/query_pb.ts";
import type { RecordedEvent } from "../../../src/log/records.ts";
import type { Answer } from "../../../src/query/plan.ts";
import { Oracle } from "./oracle.ts";
import { log, period, plan, where } from "./plans.ts";
import type { OraclePlan } from "./question.ts";

async function ask(events: readonly Partial<RecordedEvent>[], given: Partial<OraclePlan>): Promise<Answer> {
  const oracle = await Oracle.open(log(events));
  try {
    return await oracle.answer(plan(given));
  } finally {
    oracle.close();
  }
}

/** The metrics of the only row. */
async function metricsOf(events: readonly Partial<RecordedEvent>[], given: Partial<OraclePlan>) {
  const { rows } = await ask(events, given);
  expect(rows).toHaveLength(1);
  return rows[0]?.metrics;
}

/** Each row as its dimensions and metrics. */
async function rowsOf(events: readonly Partial<RecordedEvent>[], given: Partial<OraclePlan>) {
  const { rows } = await ask(events, given);
  return rows.map(({ dimensions, metrics }) => [...dimensions, ...metrics]);
}

const PATH = { kind: "event", name: "path" } as const;
const ENTRY_PAGE = { kind: "visit", name: "entry_page" } as const;
const EXIT_PAGE = { kind: "visit", name: "exit_page" } as const;
const BY_HOUR = [{ kind: "time", unit: "hour" }] as const;
const BY_DAY = [{ kind: "time", unit: "day" }] as const;

test("a visit ends when 30 minutes have passed without an event, to the millisecond", async () => {
  const metrics = ["visits", "visitors"] as const;
  const first = { timestamp: "2025-06-30T12:00:00Z" };
  const just = { timestamp: "2025-06-30T12:29:59.999Z" };
  expect(await metricsOf([first, just], { metrics })).toEqual([1, 1]);
  expect(await metricsOf([first, { timestamp: "2025-06-30T12:30:00Z" }], { metrics })).toEqual([2, 1]);
});

test("fractions of a millisecond are left off", async () => {
  const events = [
    { timestamp: "2025-06-30T12:00:00.000999Z" },
    { timestamp: "2025-06-30T12:29:59.999999999Z" },
  ];
  expect(await metricsOf(events, { metrics: ["visits", "visit_duration"] })).toEqual([1, 1799.999]);
});

test("a late event joins two visits", async () => {
  const apart = [{ timestamp: "2025-06-30T12:00:00Z" }, { timestamp: "2025-06-30T12:40:00Z" }];
  const late = [...apart, { timestamp: "2025-06-30T12:20:00Z" }];
  expect(await metricsOf(apart, { metrics: ["visits"] })).toEqual([2]);
  expect(await metricsOf(late, { metrics: ["visits", "visit_duration"] })).toEqual([1, 2400]);
});

test("entry and exit page are those of the first and the last page view, by time and then by place in the log", async () => {
  const events = [
    { timestamp: "2025-06-30T12:02:00Z", path: "/last" },
    { timestamp: "2025-06-30T12:01:00Z", path: "/first" },
    { timestamp: "2025-06-30T12:00:00Z", path: "/signup", eventType: "signup" },
    { timestamp: "2025-06-30T12:02:00Z", path: "/last but later in the log" },
    { timestamp: "2025-06-30T12:03:00Z", path: "/signup", eventType: "signup" },
  ];
  const rows = await rowsOf(events, { dimensions: [ENTRY_PAGE, EXIT_PAGE] });
  expect(rows).toEqual([["/first", "/last but later in the log", 5]]);
});

test("a visit without a page view has neither entry nor exit page, nor has an event without a visitor", async () => {
  const events = [
    { eventType: "signup", path: "/a" },
    { userId: "", path: "/b" },
  ];
  const question = { dimensions: [ENTRY_PAGE, EXIT_PAGE], metrics: ["events", "visits"] } as const;
  expect(await rowsOf(events, question)).toEqual([["", "", 2, 1]]);
});

test("a visit bounces when its only event is a page view", async () => {
  const events = [
    { userId: "bounces" },
    { userId: "signs up", eventType: "signup" },
    { userId: "stays" },
    { userId: "stays", path: "/more" },
    { userId: "returns" },
    { userId: "returns", timestamp: "2025-06-30T13:00:00Z" },
  ];
  expect(await metricsOf(events, { metrics: ["visits", "bounce_rate"] })).toEqual([5, 0.6]);
  // The visit of "stays" has two events, though only one passes the filter.
  const filter = where("path", "is", "/more");
  expect(await metricsOf(events, { metrics: ["visits", "bounce_rate"], filter })).toEqual([1, 0]);
});

test("a visit counts once in a group, with the length that it has in all", async () => {
  const events = [
    { timestamp: "2025-06-30T23:50:00Z", path: "/a" },
    { timestamp: "2025-07-01T00:00:00Z", path: "/a" },
    { timestamp: "2025-07-01T00:10:00Z", path: "/b" },
    { timestamp: "2025-07-01T12:00:00Z", path: "/a" },
  ];
  const metrics = ["visits", "visit_duration", "views_per_visit"] as const;
  expect(await rowsOf(events, { dimensions: [PATH], metrics })).toEqual([
    ["/a", 2, 600, 1.5],
    ["/b", 1, 1200, 1],
  ]);
  expect(await rowsOf(events, { dimensions: BY_DAY, metrics })).toEqual([
    ["2025-06-30", 1, 1200, 1],
    ["2025-07-01", 2, 600, 1.5],
  ]);
});

test("a user id and a hash are never the same visitor, and events with neither have none", async () => {
  const visitor = new Uint8Array(16).fill(0x11);
  const events = [{ userId: "11".repeat(16) }, { userId: "", visitor }, { userId: "" }];
  expect(await metricsOf(events, { metrics: ["visitors", "visits", "events"] })).toEqual([2, 2, 3]);
});

test("the conversion rate is of visitors", async () => {
  const events = [
    { userId: "ada" },
    { userId: "ada", eventType: "signup" },
    { userId: "ada", eventType: "signup" },
    { userId: "bob" },
    { userId: "", eventType: "signup" },
  ];
  const goal = where("event_type", "is", "signup");
  expect(await metricsOf(events, { metrics: ["conversion_rate"], goal })).toEqual([0.5]);
  expect(await metricsOf([], { metrics: ["conversion_rate"], goal })).toEqual([0]);
});

test("revenue is the sum in the currency", async () => {
  const events = [
    { revenueMicros: 9_990_000n, currency: "EUR" },
    { revenueMicros: -1n, currency: "EUR" },
    { revenueMicros: 5_000_000n, currency: "USD" },
  ];
  expect(await metricsOf(events, { metrics: ["revenue"], currency: "EUR" })).toEqual([9.989999]);
});

test("of events with the same id the first in the log counts, and those of other sites are others", async () => {
  const id = { case: "clientEventId", value: "1" } as const;
  const events = [
    { id, path: "/other", siteId: "other" },
    { id, path: "/first" },
    { id, path: "/second" },
  ];
  expect(await rowsOf(events, { dimensions: [PATH] })).toEqual([["/first", 1]]);
});

test("bots are left out unless they are asked for, and have visits of their own", async () => {
  const events = [{}, { bot: BotReason.USER_AGENT }];
  expect(await metricsOf(events, { metrics: ["events", "visits"] })).toEqual([1, 1]);
  const all = { metrics: ["events", "visits", "visitors"], includeBots: true } as const;
  expect(await metricsOf(events, all)).toEqual([2, 2, 1]);
});

test("a day has 23 or 25 hours when the clocks are changed", async () => {
  const timeZone = "Europe/Berlin";
  const spring = await ask([], {
    ...{ timeZone, dimensions: BY_HOUR },
    period: period("2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00"),
  });
  expect(spring.rowCount).toBe(23);
  expect(spring.rows.slice(1, 3).map(({ dimensions }) => dimensions[0])).toEqual([
    "2025-03-30T01:00:00+01:00",
    "2025-03-30T03:00:00+02:00",
  ]);
  const autumn = await ask([{ timestamp: "2025-10-26T01:59:59.999Z" }], {
    ...{ timeZone, dimensions: BY_HOUR },
    period: period("2025-10-26T00:00:00+02:00", "2025-10-27T00:00:00+01:00"),
  });
  expect(autumn.rowCount).toBe(25);
  expect(autumn.rows.slice(2, 4)).toEqual([
    { dimensions: ["2025-10-26T02:00:00+02:00"], metrics: [0], compared: [] },
    { dimensions: ["2025-10-26T02:00:00+01:00"], metrics: [1], compared: [] },
  ]);
});

test("where the clocks are set back by half an hour, that hour is two", async () => {
  const { rows } = await ask([], {
    ...{ timeZone: "Australia/Lord_Howe", dimensions: BY_HOUR },
    period: period("2025-04-06T01:00:00+11:00", "2025-04-06T03:00:00+10:30"),
  });
  expect(rows.map(({ dimensions }) => dimensions[0])).toEqual([
    "2025-04-06T01:00:00+11:00",
    "2025-04-06T01:00:00+10:30",
    "2025-04-06T02:00:00+10:30",
  ]);
});

test("a day that was left out is in no series", async () => {
  const { rows } = await ask([], {
    ...{ timeZone: "Pacific/Apia", dimensions: BY_DAY },
    period: period("2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00"),
  });
  expect(rows.map(({ dimensions }) => dimensions[0])).toEqual(["2011-12-29", "2011-12-31"]);
});

test("weeks begin on Monday, and months on the first, in the time zone", async () => {
  const events = [{ timestamp: "2025-06-29T18:14:59Z" }, { timestamp: "2025-06-30T18:15:00Z" }];
  for (const [unit, first, second] of [
    ["week", "2025-06-23", "2025-06-30"],
    ["month", "2025-06-01", "2025-07-01"],
  ] as const) {
    const question = { timeZone: "Asia/Kathmandu", dimensions: [{ kind: "time", unit }] } as const;
    expect(await rowsOf(events, question)).toEqual([
      [first, 1],
      [second, 1],
    ]);
  }
});

test("a group is compared with the same one, and a bucket with the one in its place", async () => {
  const events = [
    { timestamp: "2025-06-28T12:00:00Z", path: "/a" },
    { timestamp: "2025-06-29T12:00:00Z", path: "/b" },
    { timestamp: "2025-06-30T12:00:00Z", path: "/a" },
    { timestamp: "2025-07-01T12:00:00Z", path: "/a" },
    { timestamp: "2025-07-01T13:00:00Z", path: "/b" },
  ];
  const periods = {
    period: period("2025-06-30T00:00:00Z", "2025-07-02T00:00:00Z"),
    compared: period("2025-06-28T00:00:00Z", "2025-06-30T00:00:00Z"),
  };
  expect((await ask(events, { ...periods, dimensions: [PATH] })).rows).toEqual([
    { dimensions: ["/a"], metrics: [2], compared: [1] },
    { dimensions: ["/b"], metrics: [1], compared: [1] },
  ]);
  expect((await ask(events, { ...periods, dimensions: BY_DAY })).rows).toEqual([
    { dimensions: ["2025-06-30"], metrics: [1], compared: [1] },
    { dimensions: ["2025-07-01"], metrics: [2], compared: [1] },
  ]);
  expect((await ask(events, { ...periods, dimensions: [...BY_DAY, PATH] })).rows).toEqual([
    { dimensions: ["2025-06-30", "/a"], metrics: [1], compared: [1] },
    { dimensions: ["2025-07-01", "/a"], metrics: [1], compared: [0] },
    { dimensions: ["2025-07-01", "/b"], metrics: [1], compared: [1] },
  ]);
});

test("each operator passes what its words say", async () => {
  const events = ["/blog", "/Blog", "/blog/1", "/it's\n%", ""].map((path) => ({ path }));
  for (const [operator, values, passed] of [
    ["is", ["/blog", "/it's\n%"], ["/blog", "/it's\n%"]],
    ["is_not", ["/blog", "/blog/1", ""], ["/Blog", "/it's\n%"]],
    ["contains", ["%", "log/"], ["/blog/1", "/it's\n%"]],
    ["starts_with", ["/b"], ["/blog", "/blog/1"]],
    ["matches", ["g$", "^$"], ["", "/Blog", "/blog"]],
  ] as const) {
    const filter = where("path", operator, ...values);
    const rows = await rowsOf(events, { dimensions: [PATH], filter });
    expect(
      rows.map(([path]) => path),
      operator,
    ).toEqual([...passed].sort());
  }
});

test("filters are put together, and look at the visit and at props as well", async () => {
  const key = "'); DROP TABLE events; --";
  const events = [
    { path: "/in", props: { [key]: "pro" } },
    { path: "/a", props: { [key]: "free" } },
    { path: "/b", userId: "bob", props: { [key]: "pro" } },
  ];
  const isOfAda = where("entry_page", "is", "/in");
  const isPro = where(`props.${key}`, "is", "pro");
  const both = create(FilterSchema, { kind: { case: "and", value: { filters: [isOfAda, isPro] } } });
  const either = create(FilterSchema, { kind: { case: "or", value: { filters: [isOfAda, isPro] } } });
  const neither = create(FilterSchema, { kind: { case: "not", value: either } });
  for (const [filter, count] of [
    [both, 1],
    [either, 3],
    [neither, 0],
  ] as const) {
    expect(await metricsOf(events, { filter })).toEqual([count]);
  }
});

test("texts are in the order of their code points, and a page is cut out of all rows", async () => {
  const events = ["/b", "/😀", "/\uffee", "/B", "/b"].map((path) => ({ path }));
  expect(await rowsOf(events, { dimensions: [PATH] })).toEqual([
    ["/B", 1],
    ["/b", 2],
    ["/\uffee", 1],
    ["/😀", 1],
  ]);
  const order = [
    { by: "metric", index: 0, descending: true },
    { by: "dimension", index: 0, descending: false },
  ] as const;
  const { rows, rowCount } = await ask(events, { dimensions: [PATH], order, offset: 1, limit: 2 });
  expect(rows.map(({ dimensions }) => dimensions[0])).toEqual(["/B", "/\uffee"]);
  expect(rowCount).toBe(4);
});
