import { describe, expect, test } from "vitest";
import type { Period } from "../../src/query/plan.ts";
import { periodOf } from "../../src/query/ranges.ts";
import { zonedTime } from "../../src/query/time-zones.ts";

const NOW_MS = Date.parse("2025-11-12T19:30:00Z");

function zonedText(ms: number, timeZone: string): string {
  return zonedTime(ms, timeZone).toString({ timeZoneName: "never" });
}

interface Asked {
  readonly range?: string;
  readonly from?: string;
  readonly to?: string;
}

function resolve(asked: Asked, timeZone: string, nowMs: number) {
  return periodOf({ range: "", from: "", to: "", ...asked }, nowMs, timeZone);
}

function periodAt(asked: Asked, timeZone = "UTC", now = "2025-11-12T19:30:00Z"): Period {
  const period = resolve(asked, timeZone, Date.parse(now));
  if (!period.ok) return expect.fail(period.reason);
  return period.value;
}

/** The beginning and the end, by the zone's clocks. */
function resolved(asked: Asked, timeZone = "UTC", now = "2025-11-12T19:30:00Z"): string[] {
  const { fromMs, toMs } = periodAt(asked, timeZone, now);
  return [zonedText(fromMs, timeZone), zonedText(toMs, timeZone)];
}

function reasonOf(asked: Asked): string {
  const period = resolve(asked, "UTC", NOW_MS);
  return period.ok ? expect.fail("it was not refused") : period.reason;
}

describe("a range", () => {
  test.each([
    ["today", "2025-11-12", "2025-11-13"],
    ["yesterday", "2025-11-11", "2025-11-12"],
    ["1d", "2025-11-12", "2025-11-13"],
    ["7d", "2025-11-06", "2025-11-13"],
    ["36525d", "1925-11-13", "2025-11-13"],
    ["1mo", "2025-11-01", "2025-11-13"],
    ["12mo", "2024-12-01", "2025-11-13"],
    ["1200mo", "1925-12-01", "2025-11-13"],
    ["month", "2025-11-01", "2025-11-13"],
    ["year", "2025-01-01", "2025-11-13"],
  ])("%s is of whole days", (range, first, end) => {
    expect(resolved({ range })).toEqual([`${first}T00:00:00+00:00`, `${end}T00:00:00+00:00`]);
  });

  test("has its days by the zone's clocks", () => {
    const now = "2025-11-12T18:30:00Z";
    expect(resolved({ range: "today" }, "Asia/Kathmandu", now)[0]).toBe("2025-11-13T00:00:00+05:45");
    expect(resolved({ range: "today" }, "America/New_York", now)[0]).toBe("2025-11-12T00:00:00-05:00");
  });

  test.each([
    ["Europe/Berlin", "2025-10-26T12:00:00Z", 25],
    ["Europe/Berlin", "2025-03-30T12:00:00Z", 23],
    ["Australia/Lord_Howe", "2025-04-06T02:00:00Z", 24.5],
  ])("is as long as the day is in %s at %s", (timeZone, now, hours) => {
    const { fromMs, toMs } = periodAt({ range: "today" }, timeZone, now);
    expect((toMs - fromMs) / 3_600_000).toBe(hours);
  });

  test("begins at 01:00 on a day that has no midnight", () => {
    expect(resolved({ range: "today" }, "America/Sao_Paulo", "2018-11-04T12:00:00Z")).toEqual([
      "2018-11-04T01:00:00-02:00",
      "2018-11-05T00:00:00-02:00",
    ]);
  });

  test("has no bounds when it is all, which is the default", () => {
    const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
    expect(periodAt({ range: "all" })).toEqual(always);
    expect(periodAt({})).toEqual(always);
  });

  test.each(["0d", "-1d", "1.5d", "d", "7D", "7 d", "Today", "12m", "1e3d", "last week"])(
    "is not %s",
    (range) => {
      expect(reasonOf({ range })).toBe(
        `range is "${range}"; it must be one of today, yesterday, Nd such as 7d, Nmo such as 12mo, month, year, all`,
      );
    },
  );

  test.each(["36526d", "1201mo", "3650000d", `${"9".repeat(400)}d`])("is not as long as %s", (range) => {
    expect(reasonOf({ range })).toBe("range is longer than 100 years, which is 36525d or 1200mo");
  });

  test("is not given together with a beginning or an end", () => {
    const reason = "range cannot be given together with from or to: leave out one of them";
    expect(reasonOf({ range: "7d", from: "2025-01-01" })).toBe(reason);
    expect(reasonOf({ range: "all", to: "2025-01-01" })).toBe(reason);
  });
});

describe("from and to", () => {
  test("are the beginnings and the ends of dates by the zone's clocks", () => {
    expect(resolved({ from: "2025-10-26", to: "2025-10-26" }, "Europe/Berlin")).toEqual([
      "2025-10-26T00:00:00+02:00",
      "2025-10-27T00:00:00+01:00",
    ]);
  });

  test("are times, the end of which is not part of it; without a zone they are UTC", () => {
    const asked = { from: "2025-10-26T02:00:00+02:00", to: "2025-10-26T02:00:00.500" };
    expect(resolved(asked, "Europe/Berlin")).toEqual([
      "2025-10-26T02:00:00+02:00",
      "2025-10-26T03:00:00.5+01:00",
    ]);
  });

  test("end now without an end", () => {
    expect(periodAt({ from: "2025-11-01" }).toMs).toBe(NOW_MS);
  });

  test("have no beginning without one, and may then be of any length", () => {
    const period = periodAt({ to: "9999-12-31" });
    expect(period).toEqual({ fromMs: Number.NEGATIVE_INFINITY, toMs: Date.parse("+010000-01-01T00:00:00Z") });
  });

  test.each(["2025-02-30", "2025-13-01", "yesterday", "10000-01-01", "2025-01-01T25:00:00Z", "1731440000"])(
    "are not %s",
    (text) => {
      expect(reasonOf({ from: text })).toBe(
        `from is "${text}"; it must be a date, such as 2025-11-12, or a time of RFC 3339, such as 2025-11-12T19:30:01Z`,
      );
      expect(reasonOf({ from: "2025-01-01", to: text })).toContain(`to is "${text}"; it must be a date`);
    },
  );

  test("are not reversed, nor without any time between", () => {
    expect(reasonOf({ from: "2025-01-02", to: "2025-01-01" })).toBe(
      'from, "2025-01-02", must be before to, "2025-01-01"',
    );
    const noon = "2025-01-02T12:00:00Z";
    expect(reasonOf({ from: noon, to: noon })).toBe(`from, "${noon}", must be before to, "${noon}"`);
    expect(reasonOf({ from: "2026-01-01" })).toBe(
      'from, "2026-01-01", must be before now, which is where it ends without to',
    );
  });

  test("are refused for a day that the zone left out", () => {
    const asked = { range: "", from: "2011-12-30", to: "2011-12-30" };
    expect(periodOf(asked, NOW_MS, "Pacific/Apia").ok).toBe(false);
  });

  test("are at most 100 years apart", () => {
    expect(resolved({ from: "1925-01-01", to: "2024-12-31" })).toHaveLength(2);
    expect(reasonOf({ from: "0000-01-01", to: "9999-12-31" })).toBe(
      "from and to are 3652425 days apart; at most 36525 (100 years) are possible",
    );
  });
});
