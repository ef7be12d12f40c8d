import fc from "fast-check";
import { Temporal } from "temporal-polyfill";
import { describe, expect, test } from "vitest";
import { previousPeriod, previousYear } from "../../src/query/comparison.ts";
import type { Period } from "../../src/query/plan.ts";
import { periodOf } from "../../src/query/ranges.ts";
import { zonedTime } from "../../src/query/time-zones.ts";

const BERLIN = "Europe/Berlin";
const NOW_MS = Date.parse("2025-11-12T19:30:00Z");

function zonedText(ms: number, timeZone: string): string {
  return zonedTime(ms, timeZone).toString({ timeZoneName: "never" });
}

type Move = (period: Period, timeZone: string) => Period;

/** The period from `from` to `to`, moved; by the zone's clocks. */
function moved(move: Move, from: string, to: string, timeZone = BERLIN): string[] {
  const period = periodOf({ range: "", from, to }, NOW_MS, timeZone);
  if (!period.ok) return expect.fail(period.reason);
  const { fromMs, toMs } = move(period.value, timeZone);
  return [zonedText(fromMs, timeZone), zonedText(toMs, timeZone)];
}

describe("the period before", () => {
  test("is of as many days, however long they are", () => {
    expect(moved(previousPeriod, "2025-03-31", "2025-04-01")).toEqual([
      "2025-03-29T00:00:00+01:00",
      "2025-03-31T00:00:00+02:00",
    ]);
  });

  test("is as long in ms when it is not of whole days", () => {
    expect(moved(previousPeriod, "2025-03-30T00:00:00+01:00", "2025-03-30T05:00:00+02:00")).toEqual([
      "2025-03-29T20:00:00+01:00",
      "2025-03-30T00:00:00+01:00",
    ]);
  });

  test("begins where a day does, if it has no midnight", () => {
    expect(moved(previousPeriod, "2018-11-05", "2018-11-05", "America/Sao_Paulo")).toEqual([
      "2018-11-04T01:00:00-02:00",
      "2018-11-05T00:00:00-02:00",
    ]);
  });

  test("has as many days in any zone, and ends where the period begins", () => {
    const zones = fc.constantFrom(
      "UTC",
      BERLIN,
      "Australia/Lord_Howe",
      "America/Sao_Paulo",
      "Asia/Kathmandu",
    );
    fc.assert(
      fc.property(zones, fc.nat(10_000), fc.integer({ min: 0, max: 800 }), (zone, day, more) => {
        const first = Temporal.PlainDate.from("1990-01-01").add({ days: day });
        const last = first.add({ days: more });
        const before = first.subtract({ days: more + 1 });
        const expected = [before, first].map((date) => date.toZonedDateTime(zone).epochMilliseconds);
        const actual = moved(previousPeriod, `${first}`, `${last}`, zone).map((text) => Date.parse(text));
        expect(actual).toEqual(expected);
      }),
    );
  });
});

describe("the year before", () => {
  test("has the same dates, whatever the clocks say", () => {
    expect(moved(previousYear, "2025-03-30", "2025-03-30")).toEqual([
      "2024-03-30T00:00:00+01:00",
      "2024-03-31T00:00:00+01:00",
    ]);
  });

  test("has the same times of day", () => {
    expect(moved(previousYear, "2025-03-30T10:00:00Z", "2025-03-31T10:00:00Z")).toEqual([
      "2024-03-30T12:00:00+01:00",
      "2024-03-31T12:00:00+02:00",
    ]);
  });

  test("has the 28th for the 29th of February", () => {
    const the28th = ["2023-02-28T00:00:00+00:00", "2023-03-01T00:00:00+00:00"];
    expect(moved(previousYear, "2024-02-29", "2024-02-29", "UTC")).toEqual(the28th);
    expect(moved(previousYear, "2024-02-28", "2024-02-28", "UTC")).toEqual(the28th);
  });

  test("ends with the 28th, also when that was not the last of February", () => {
    expect(moved(previousYear, "2025-02-01", "2025-02-28", "UTC")).toEqual([
      "2024-02-01T00:00:00+00:00",
      "2024-02-29T00:00:00+00:00",
    ]);
  });

  test("does not end before it begins", () => {
    const [from, to] = moved(previousYear, "2024-02-28T18:00:00Z", "2024-02-29T06:00:00Z", "UTC");
    expect(to).toBe(from);
  });
});
