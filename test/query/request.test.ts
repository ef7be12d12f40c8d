import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Comparison, FilterSchema, QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { METRICS, type Plan } from "../../src/query/plan.ts";
import { planQuery, type QueryContext } from "../../src/query/request.ts";

const NOW_MS = Date.parse("2025-11-12T19:30:00Z");
const SIGNUP = { dimension: "event_type", operator: "is", values: ["signup"] };
const GOALS = new Map([
  ["signup", create(FilterSchema, { kind: { case: "condition", value: SIGNUP } })],
  ["broken", create(FilterSchema)],
]);
const CONTEXT: QueryContext = { nowMs: NOW_MS, timeZone: "", goal: (name) => GOALS.get(name) };

type Asked = MessageInitShape<typeof QueryStatsRequestSchema>;

/** Asks for the events of a site, but for what is given. */
function ask(asked: Asked, context: Partial<QueryContext> = {}) {
  const request = create(QueryStatsRequestSchema, { siteId: "site", metrics: ["events"], ...asked });
  return planQuery(request, { ...CONTEXT, ...context });
}

function planOf(asked: Asked, context: Partial<QueryContext> = {}): Plan {
  const planned = ask(asked, context);
  return planned.ok ? planned.plan : expect.fail(planned.reason);
}

function reasonOf(asked: Asked): string {
  const planned = ask(asked);
  return planned.ok ? expect.fail("it was not refused") : planned.reason;
}

const byMetric = (index: number, descending: boolean) => ({ by: "metric", index, descending });
const byDimension = (index: number, descending = false) => ({ by: "dimension", index, descending });

describe("a question", () => {
  test("has defaults", () => {
    expect(planOf({})).toEqual({
      siteId: "site",
      metrics: ["events"],
      dimensions: [],
      filter: undefined,
      goal: undefined,
      currency: undefined,
      includeBots: false,
      period: { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY },
      compared: undefined,
      timeZone: "UTC",
      order: [byMetric(0, true)],
      limit: 100,
      offset: 0,
    });
  });

  test("can ask for all at once", () => {
    const plan = planOf({
      metrics: ["visitors", "revenue", "conversion_rate"],
      dimensions: ["time:week", "source", "entry_page"],
      filter: { kind: { case: "condition", value: SIGNUP } },
      range: "7d",
      timeZone: "Asia/Kathmandu",
      goal: "signup",
      currency: "EUR",
      includeBots: true,
      comparison: Comparison.PREVIOUS_YEAR,
      limit: 10_000,
      offset: 7,
    });
    expect(plan).toMatchObject({
      dimensions: [
        { kind: "time", unit: "week" },
        { kind: "event", name: "source" },
        { kind: "visit", name: "entry_page" },
      ],
      filter: { kind: "condition", dimension: { kind: "event", name: "event_type" } },
      goal: { kind: "condition", dimension: { kind: "event", name: "event_type" } },
      currency: "EUR",
      includeBots: true,
      compared: {
        fromMs: Date.parse("2024-11-07T00:00:00+05:45"),
        toMs: Date.parse("2024-11-14T00:00:00+05:45"),
      },
      limit: 10_000,
      offset: 7,
    });
  });

  test("is about a site", () => {
    expect(reasonOf({ siteId: "" })).toBe("Missing required field: site_id");
    expect(reasonOf({ siteId: "s".repeat(129) })).toBe("site_id is 129 bytes long; at most 128 are allowed");
  });

  test("is refused in words that are not as long as what is wrong", () => {
    const long = "x".repeat(1_000_000);
    const wrong: Asked[] = [
      { siteId: long },
      { metrics: [long] },
      { dimensions: [long] },
      { dimensions: [`props.${long}`] },
      { filter: { kind: { case: "condition", value: { ...SIGNUP, dimension: long } } } },
      { filter: { kind: { case: "condition", value: { ...SIGNUP, operator: long } } } },
      { range: long },
      { from: long },
      { timeZone: long },
      { metrics: ["conversion_rate"], goal: long },
      { metrics: ["revenue"], currency: long },
      { orderBy: [{ key: long }] },
      { orderBy: [{ key: long }, { key: long }] },
    ];
    for (const asked of wrong) expect(reasonOf(asked).length).toBeLessThan(500);
  });
});

describe("metrics", () => {
  test("are 1 to 10, none of them twice", () => {
    expect(reasonOf({ metrics: [] })).toBe("metrics has 0 names; it must have 1 to 10");
    expect(reasonOf({ metrics: new Array<string>(11).fill("visits") })).toBe(
      "metrics has 11 names; it must have 1 to 10",
    );
    expect(reasonOf({ metrics: ["visits", "events", "visits"] })).toBe('metrics has "visits" twice');
  });

  test("are those that there are", () => {
    expect(reasonOf({ metrics: ["visits", "Visitors"] })).toBe(
      'metrics[1] is the unknown metric "Visitors"; known are visitors, visits, pageviews, events, views_per_visit, ' +
        "bounce_rate, visit_duration, revenue, conversion_rate",
    );
  });

  test.each(["views_per_visit", "bounce_rate", "visit_duration"])("of whole visits: %s", (metric) => {
    for (const dimension of ["event_type", "title", "props.plan"]) {
      expect(reasonOf({ metrics: ["visits", metric], dimensions: ["time:day", dimension] })).toBe(
        `metrics: ${metric} has no meaning by ${dimension}, as it is of whole visits and ${dimension} of single events: ` +
          "leave out one of them",
      );
    }
    const dimensions = ["time:hour", "path", "entry_page", "source"];
    expect(planOf({ metrics: [metric], dimensions, range: "7d" }).metrics).toEqual([metric]);
  });

  test("are no conversion rate of single events", () => {
    const asked = { metrics: ["conversion_rate"], goal: "signup" };
    for (const dimension of ["event_type", "title", "props.plan"]) {
      expect(reasonOf({ ...asked, dimensions: [dimension] })).toBe(
        `metrics: conversion_rate has no meaning by ${dimension}, as the events of the goal have a ${dimension} of their own: ` +
          "leave out one of them",
      );
    }
    expect(planOf({ ...asked, dimensions: ["source"] }).goal).toBeDefined();
  });

  test("with a conversion rate need a goal, and others none", () => {
    expect(reasonOf({ metrics: ["conversion_rate"] })).toBe(
      "goal is missing: metrics has conversion_rate, which is that of a goal",
    );
    expect(reasonOf({ goal: "signup" })).toBe(
      "goal is given, but metrics does not have conversion_rate, the one that is of a goal",
    );
    expect(reasonOf({ metrics: ["conversion_rate"], goal: "sale" })).toBe(
      'goal is "sale", but the site has no such goal: GetSite lists those that it has',
    );
    expect(reasonOf({ metrics: ["conversion_rate"], goal: "broken" })).toBe(
      'the filter of goal "broken" is empty; it must have one of condition, and, or, not',
    );
  });

  test("with revenue need a currency, and others none", () => {
    expect(reasonOf({ metrics: ["revenue"] })).toBe(
      "currency is missing: metrics has revenue, which is the sum in one currency",
    );
    expect(reasonOf({ currency: "EUR" })).toBe(
      "currency is given, but metrics does not have revenue, the one that is in a currency",
    );
    for (const currency of ["eur", "XYZ", "EURO"]) {
      expect(reasonOf({ metrics: ["revenue"], currency })).toBe(
        `currency is "${currency}"; it must be a currency of ISO 4217 in upper case, such as EUR`,
      );
    }
  });
});

describe("dimensions", () => {
  test("are at most 4, none of them twice, and one time", () => {
    expect(reasonOf({ dimensions: ["path", "os", "browser", "device", "country"] })).toBe(
      "dimensions has 5 names; it must have 0 to 4",
    );
    expect(reasonOf({ dimensions: ["path", "path"] })).toBe('dimensions has "path" twice');
    expect(reasonOf({ dimensions: ["time:day", "path", "time:hour"] })).toBe(
      "dimensions has time:day and time:hour; only one time is possible",
    );
  });

  test("are those that there are", () => {
    expect(reasonOf({ dimensions: ["city"] })).toMatch(
      /^dimensions\[0\] has the unknown dimension "city"; known are time:minute, .*exit_page, props\.KEY$/,
    );
    expect(reasonOf({ dimensions: ["time:year"] })).toBe(
      'dimensions[0] has the unknown dimension "time:year"; known are time:minute, time:hour, time:day, time:week, time:month',
    );
    expect(reasonOf({ dimensions: ["constructor"] })).toContain("unknown dimension");
  });

  test("are keys of props with any characters, of 1 to 300 bytes", () => {
    for (const key of ["it's", 'a"b', "line\nbreak", "'); DROP TABLE events; --", "a.b", "é".repeat(150)]) {
      expect(planOf({ dimensions: [`props.${key}`] }).dimensions).toEqual([{ kind: "prop", key }]);
    }
    expect(reasonOf({ dimensions: ["props."] })).toBe(
      "dimensions[0] has a key of props of 0 bytes; it must be 1 to 300 bytes long",
    );
    expect(reasonOf({ dimensions: [`props.${"é".repeat(151)}`] })).toContain("of 302 bytes");
  });
});

describe("the time", () => {
  test("is in the zone asked for, or the site's, or UTC", () => {
    const context = { timeZone: "Europe/Berlin" };
    expect(planOf({ timeZone: "Asia/Kathmandu" }, context).timeZone).toBe("Asia/Kathmandu");
    expect(planOf({}, context).timeZone).toBe("Europe/Berlin");
    expect(planOf({ range: "today" }).period.fromMs).toBe(Date.parse("2025-11-12"));
  });

  test.each(["Europe/Atlantis", "+02:00", "Z ", "../etc/passwd"])("is in no zone %s", (timeZone) => {
    expect(reasonOf({ timeZone })).toBe(
      `time_zone is "${timeZone}"; it must be the IANA name of a zone, such as Europe/Berlin or UTC`,
    );
  });

  test("is what ranges.ts says", () => {
    expect(reasonOf({ range: "7 days" })).toMatch(/^range is "7 days"/);
    expect(reasonOf({ from: "0000-01-01", to: "9999-12-31" })).toMatch(/^from and to are/);
  });

  test("is cut into at most 10,000 rows", () => {
    expect(reasonOf({ dimensions: ["time:minute"], range: "30d" })).toBe(
      "dimensions: time:minute would be 43200 rows; at most 10000 are possible: ask for a shorter range or a longer unit",
    );
    expect(reasonOf({ dimensions: ["time:hour", "path"], range: "24mo" })).toContain("time:hour would be");
    planOf({ dimensions: ["time:minute"], range: "6d" });
    planOf({ dimensions: ["time:month"], range: "36525d" });
    planOf({ dimensions: ["time:minute"], range: "all" });
  });

  test("is compared with one before", () => {
    const compared = (comparison: Comparison) => planOf({ range: "today", comparison }).compared;
    const day = (text: string) => ({ fromMs: Date.parse(text), toMs: Date.parse(text) + 86_400_000 });
    expect(compared(Comparison.UNSPECIFIED)).toBeUndefined();
    expect(compared(Comparison.PREVIOUS_PERIOD)).toEqual(day("2025-11-11"));
    expect(compared(Comparison.PREVIOUS_YEAR)).toEqual(day("2024-11-12"));
    const dimensions = ["time:day", "source"];
    planOf({ range: "today", comparison: Comparison.PREVIOUS_PERIOD, dimensions });
  });

  test("is not compared when it has no beginning", () => {
    for (const asked of [{}, { range: "all" }, { to: "2025-01-01" }]) {
      expect(reasonOf({ ...asked, comparison: Comparison.PREVIOUS_PERIOD })).toBe(
        "comparison needs a range with a beginning: ask for a range other than all, or give from",
      );
    }
    // Field 12 with the value 9.
    const { comparison } = fromBinary(QueryStatsRequestSchema, Uint8Array.of(0x60, 9));
    expect(reasonOf({ range: "7d", comparison })).toBe(
      "comparison is the unknown 9; known are COMPARISON_PREVIOUS_PERIOD and COMPARISON_PREVIOUS_YEAR",
    );
  });
});

describe("the order", () => {
  const metrics = ["visits", "events"];

  test("is that of time, and then of the other dimensions", () => {
    const dimensions = ["source", "time:day", "path"];
    expect(planOf({ metrics, dimensions, range: "7d" }).order).toEqual([
      byDimension(1),
      byDimension(0),
      byDimension(2),
    ]);
  });

  test("without a time is that of the first metric, the most first", () => {
    expect(planOf({ metrics, dimensions: ["source", "path"] }).order).toEqual([
      byMetric(0, true),
      byDimension(0),
      byDimension(1),
    ]);
  });

  test("can be asked for", () => {
    const orderBy = [{ key: "path", descending: true }, { key: "events" }];
    expect(planOf({ metrics, dimensions: ["source", "path"], orderBy }).order).toEqual([
      byDimension(1, true),
      byMetric(1, false),
      byDimension(0),
    ]);
  });

  test("is by what is asked for, and by nothing twice", () => {
    expect(reasonOf({ metrics, dimensions: ["path"], orderBy: [{ key: "os" }] })).toBe(
      'order_by[0].key is "os"; it must be asked for, as are "visits", "events", "path"',
    );
    expect(reasonOf({ metrics, orderBy: [{ key: "visits" }, { key: "visits", descending: true }] })).toBe(
      'order_by has "visits" twice',
    );
  });

  test("leaves no two groups in the same place", () => {
    const names = fc.uniqueArray(fc.constantFrom("time:day", "path", "os", "props.a"), { maxLength: 4 });
    const asked = names.chain((dimensions) =>
      fc.record({
        dimensions: fc.constant(dimensions),
        orderBy: fc.subarray([...dimensions, "events"]).map((keys) => keys.map((key) => ({ key }))),
      }),
    );
    fc.assert(
      fc.property(asked, (asked) => {
        const { order, dimensions } = planOf({ ...asked, range: "7d" });
        const inOrder = order.filter(({ by }) => by === "dimension").map(({ index }) => index);
        expect(inOrder.toSorted()).toEqual([...dimensions.keys()]);
      }),
    );
  });
});

describe("the limit", () => {
  test("is 100 by default, but all of a series", () => {
    expect(planOf({ dimensions: ["path"] }).limit).toBe(100);
    expect(planOf({ dimensions: ["time:day", "path"], range: "7d" }).limit).toBe(100);
    expect(planOf({ dimensions: ["time:day"], range: "7d" }).limit).toBe(Number.POSITIVE_INFINITY);
    expect(planOf({ dimensions: ["time:day"], range: "7d", limit: 3 }).limit).toBe(3);
  });

  test("is at most 10,000, and not negative, as is the offset", () => {
    for (const limit of [-1, 10_001]) {
      expect(reasonOf({ limit })).toBe(
        `limit is ${limit}; it must be 1 to 10000, or 0 for 100 or a whole series`,
      );
    }
    expect(reasonOf({ offset: -1 })).toBe("offset is -1; it must be 0 or more");
  });
});

test("every metric is understood", () => {
  const asked = { metrics: [...METRICS], goal: "signup", currency: "EUR" };
  expect(planOf(asked).metrics).toEqual(METRICS);
});
