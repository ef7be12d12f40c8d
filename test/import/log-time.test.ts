import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseLogTime } from "../../src/import/log-time.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

describe("a logged time", () => {
  test("becomes the same moment in UTC, whatever its zone", () => {
    const moments = fc.date({
      min: new Date("1990-01-02"),
      max: new Date("2090-01-01"),
      noInvalidDate: true,
    });
    const zones = fc.integer({ min: -14 * 60, max: 14 * 60 });
    fc.assert(
      fc.property(moments, zones, (moment, zone) => {
        const local = new Date(moment.getTime() + zone * 60_000).toISOString();
        const two = (value: number) => String(value).padStart(2, "0");
        const offset = `${zone < 0 ? "-" : "+"}${two(Math.floor(Math.abs(zone) / 60))}${two(Math.abs(zone) % 60)}`;
        const month = MONTHS[Number(local.slice(5, 7)) - 1];
        const text = `${local.slice(8, 10)}/${month}/${local.slice(0, 4)}:${local.slice(11, 19)} ${offset}`;
        expect(parseLogTime(text)).toBe(`${moment.toISOString().slice(0, 19)}Z`);
      }),
    );
  });

  test("may be a leap day", () => {
    expect(parseLogTime("29/Feb/2024:00:00:00 +0000")).toBe("2024-02-29T00:00:00Z");
  });

  test.each([
    "29/Feb/2023:00:00:00 +0000",
    "31/Apr/2023:00:00:00 +0000",
    "00/May/2015:10:05:03 +0000",
    "17/Mai/2015:10:05:03 +0000",
    "17/May/2015:24:00:00 +0000",
    "17/May/2015:10:60:00 +0000",
    "17/May/2015:10:05:60 +0000",
    "17/May/2015:10:05:03 +2400",
    "17/May/2015:10:05:03      ",
    "17/May/0015:10:05:03 +0000",
    "31/Dec/9999:23:30:00 -0100",
  ])("is not %s", (text) => {
    expect(parseLogTime(text)).toBeUndefined();
  });
});
