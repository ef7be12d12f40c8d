import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, test } from "vitest";
import { Buckets } from "../../src/query/buckets.ts";
import { TooMuch } from "../../src/query/limits.ts";
import type { Period, TimeUnit } from "../../src/query/plan.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function period(from: string, to: string): Period {
  return { fromMs: Date.parse(from), toMs: Date.parse(to) };
}

function labels(unit: TimeUnit, timeZone: string, of: Period): string[] {
  const buckets = new Buckets(unit, timeZone, of);
  return Array.from({ length: buckets.count }, (_, index) => buckets.label(index));
}

/** The label of a time, found without a bucket. */
function labelOf(ms: number, unit: TimeUnit, timeZone: string): string {
  const time = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const date = time.toPlainDate();
  switch (unit) {
    case "day":
      return date.toString();
    case "week":
      return date.subtract({ days: date.dayOfWeek - 1 }).toString();
    case "month":
      return date.with({ day: 1 }).toString();
    default: {
      const local = time.toPlainDateTime().round({ smallestUnit: unit, roundingMode: "floor" });
      return local.toString({ smallestUnit: "second" }) + time.offset;
    }
  }
}

describe("buckets", () => {
  test("are days by the zone's clocks, with those that nothing happened on", () => {
    const of = period("2025-02-27T18:15:00Z", "2025-03-02T18:15:00Z");
    expect(labels("day", "Asia/Kathmandu", of)).toEqual(["2025-02-28", "2025-03-01", "2025-03-02"]);
  });

  test("are weeks from Monday, also when the period begins or ends in one", () => {
    const of = period("2025-01-01T00:00:00Z", "2025-01-14T00:00:00Z");
    expect(labels("week", "UTC", of)).toEqual(["2024-12-30", "2025-01-06", "2025-01-13"]);
  });

  test("are months, named by their first day", () => {
    const of = period("2024-01-31T12:00:00Z", "2024-04-01T00:00:00Z");
    expect(labels("month", "UTC", of)).toEqual(["2024-01-01", "2024-02-01", "2024-03-01"]);
  });

  test("are 25 hours on the day when the clocks go back, and 23 when they go forward", () => {
    const back = labels("hour", "Europe/Berlin", period("2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z"));
    expect(back).toHaveLength(25);
    expect(back.slice(2, 4)).toEqual(["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]);
    const forward = labels("hour", "Europe/Berlin", period("2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"));
    expect(forward).toHaveLength(23);
    expect(forward.slice(1, 3)).toEqual(["2025-03-30T01:00:00+01:00", "2025-03-30T03:00:00+02:00"]);
  });

  test("are two for an hour in which the offset changes, each begun by its own clocks", () => {
    const zone = "Australia/Lord_Howe";
    expect(labels("hour", zone, period("2025-04-05T14:00:00Z", "2025-04-05T16:30:00Z"))).toEqual([
      "2025-04-06T01:00:00+11:00",
      "2025-04-06T01:00:00+10:30",
      "2025-04-06T02:00:00+10:30",
    ]);
    expect(labels("hour", zone, period("2025-10-04T14:30:00Z", "2025-10-04T17:00:00Z"))).toEqual([
      "2025-10-05T01:00:00+10:30",
      "2025-10-05T02:00:00+11:00",
      "2025-10-05T03:00:00+11:00",
    ]);
  });

  test("are no day that the zone left out", () => {
    const of = period("2011-12-28T12:00:00Z", "2012-01-01T00:00:00Z");
    expect(labels("day", "Pacific/Apia", of)).toEqual([
      "2011-12-28",
      "2011-12-29",
      "2011-12-31",
      "2012-01-01",
    ]);
    expect(labels("month", "Pacific/Apia", of)).toEqual(["2011-12-01", "2012-01-01"]);
  });

  test("take a day that is gone back to as one", () => {
    // In St. John's, at 00:01 it became 23:01 of the day before.
    const zone = "America/St_Johns";
    const backMs = Date.parse("2010-11-07T02:31:00Z");
    const around = new Buckets("day", zone, { fromMs: backMs - DAY_MS, toMs: backMs + DAY_MS });
    expect(around.count).toBe(2);
    expect(around.label(around.indexOf(backMs - 1))).toBe("2010-11-07");
    expect(around.label(around.indexOf(backMs))).toBe("2010-11-06");
    const fromMidnight = new Buckets("day", zone, { fromMs: backMs - MINUTE_MS, toMs: backMs + DAY_MS });
    expect([fromMidnight.label(0), fromMidnight.label(1)]).toEqual(["2010-11-06", "2010-11-07"]);
  });

  test("have whole minutes in their offset, whatever it was", () => {
    // Liberia was 44 minutes and 30 seconds behind.
    const of = period("1970-01-01T00:00:00Z", "1970-01-01T00:30:00Z");
    expect(labels("hour", "Africa/Monrovia", of)).toEqual(["1969-12-31T23:00:00-00:45"]);
  });

  test("can be of years before the first one and after the last one that four digits have", () => {
    const ms = Date.parse("0000-01-01T00:00:00Z");
    expect(labels("day", "America/New_York", { fromMs: ms, toMs: ms + 1 })).toEqual(["-000001-12-31"]);
  });

  test("are what the time zone's calendar says", () => {
    const moments = fc.oneof(
      fc
        .constantFrom(
          ...["2025-03-30T01:00:00Z", "2025-10-26T01:00:00Z", "2025-04-05T15:00:00Z", "2025-10-04T15:30:00Z"],
          ...["2011-12-30T10:00:00Z", "2010-11-07T02:31:00Z", "2018-11-04T03:00:00Z", "2024-02-29T18:15:00Z"],
        )
        .map((text) => Date.parse(text)),
      fc.integer({ min: Date.parse("1975-01-01"), max: Date.parse("2035-01-01") }),
    );
    const zones = fc.constantFrom(
      ...["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Kolkata", "Pacific/Apia"],
      ...["America/St_Johns", "America/Sao_Paulo", "Pacific/Chatham", "Africa/Casablanca", "Asia/Gaza"],
      ...["Antarctica/Troll", "America/New_York", "Australia/Eucla"],
    );
    const clockUnits = fc.constantFrom<TimeUnit>("minute", "hour");
    const calendarUnits = fc.constantFrom<TimeUnit>("day", "week", "month");
    const shapes = fc.oneof(
      fc.record({ unit: clockUnits, maxMs: fc.constant(DAY_MS), stepMs: fc.constant(MINUTE_MS) }),
      fc.record({ unit: calendarUnits, maxMs: fc.constant(400 * DAY_MS), stepMs: fc.constant(6 * HOUR_MS) }),
    );
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    type Example = [number, string, { unit: TimeUnit; maxMs: number; stepMs: number }, number, number];
    // The clock went back at 00:01: the day had a minute, then the one before it came again.
    const atMidnight: Example = [
      ...([Date.parse("2010-11-07T02:31:00Z"), "America/St_Johns"] as const),
      ...([{ unit: "day", maxMs: 400 * DAY_MS, stepMs: 6 * HOUR_MS }, 0.0000034722222292864767, 0] as const),
    ];
    fc.assert(
      fc.property(
        ...[moments, zones, shapes, share, share],
        (moment, zone, { unit, maxMs, stepMs }, before, after) => {
          const fromMs = Math.floor(moment - (before * maxMs) / 2);
          const toMs = Math.floor(moment + 1 + (after * maxMs) / 2);
          const buckets = new Buckets(unit, zone, { fromMs, toMs });
          const seen = new Set<string>();
          const check = (ms: number) => {
            const label = labelOf(ms, unit, zone);
            seen.add(label);
            expect(buckets.label(buckets.indexOf(ms))).toBe(label);
          };
          // Steps begin with the minute, as those of the zone's clocks do.
          const checkEach = (stepMs: number, firstMs: number, endMs: number) => {
            for (let ms = Math.ceil(firstMs / stepMs) * stepMs; ms < endMs; ms += stepMs) check(ms);
          };
          check(fromMs);
          checkEach(stepMs, fromMs, toMs);
          check(toMs - 1);
          // Where the clock goes back over midnight, a day at an end of the period may have minutes alone.
          checkEach(MINUTE_MS, fromMs, Math.min(toMs, fromMs + 3 * HOUR_MS));
          checkEach(MINUTE_MS, Math.max(fromMs, toMs - 3 * HOUR_MS), toMs);
          const all = labels(unit, zone, { fromMs, toMs });
          expect(all.toSorted()).toEqual([...seen].sort());
          const ofTimes = all.map((label) => Date.parse(label));
          expect(ofTimes).toEqual(ofTimes.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 150, examples: [atMidnight] },
    );
  });

  test("can be asked for in any order of times", () => {
    const of = period("2020-01-01T00:00:00Z", "2025-01-01T00:00:00Z");
    const buckets = new Buckets("day", "Europe/Berlin", of);
    const times = fc.integer({ min: of.fromMs, max: of.toMs - 1 });
    fc.assert(
      fc.property(times, (ms) => {
        expect(buckets.label(buckets.indexOf(ms))).toBe(labelOf(ms, "day", "Europe/Berlin"));
      }),
    );
  });

  test("are refused when there are far too many", () => {
    const tenThousandYears = period("0000-01-01T00:00:00Z", "9999-12-31T00:00:00Z");
    for (const unit of ["minute", "hour", "day", "week", "month"] as const) {
      expect(() => new Buckets(unit, "Europe/Berlin", tenThousandYears)).toThrow(TooMuch);
    }
    const thirtyDays = period("2025-01-01T00:00:00Z", "2025-01-31T00:00:00Z");
    expect(() => new Buckets("minute", "UTC", thirtyDays)).toThrow(
      "time:minute would be 43200 rows; at most 10000 are possible: ask for a shorter range or a longer unit",
    );
  });

  test("know nothing of a time outside the period", () => {
    const buckets = new Buckets("day", "UTC", period("2025-01-01T00:00:00Z", "2025-01-31T00:00:00Z"));
    expect(() => buckets.indexOf(Date.parse("2025-02-01T00:00:00Z"))).toThrow(RangeError);
  });
});

test("times are told to be in one bucket when they are, and not when the clock went back in between", () => {
  const berlin = new Buckets("day", "Europe/Berlin", {
    fromMs: Date.parse("2025-10-25T22:00:00Z"),
    toMs: Date.parse("2025-10-27T23:00:00Z"),
  });
  const at = (time: string) => Date.parse(time);
  expect(berlin.ofAll(at("2025-10-26T02:00:00Z"), at("2025-10-26T22:59:59Z"))).toBe(0);
  expect(berlin.ofAll(at("2025-10-26T02:00:00Z"), at("2025-10-26T23:00:00Z"))).toBeUndefined();
  // Until 2011, clocks in St. John's went back at a minute past midnight: from the 7th to the 6th once more.
  const stJohns = new Buckets("day", "America/St_Johns", {
    fromMs: at("2010-11-06T12:00:00Z"),
    toMs: at("2010-11-07T12:00:00Z"),
  });
  const [before, after] = [at("2010-11-07T02:00:00Z"), at("2010-11-07T03:00:00Z")];
  expect(stJohns.indexOf(before)).toBe(stJohns.indexOf(after));
  expect(stJohns.ofAll(before, after)).toBeUndefined();
});
