import fc from "fast-check";
import { expect, test } from "vitest";
import { daysFromCivil, formatTimestamp, isDate, parseTimestamp } from "../../src/ingest/timestamp.ts";

const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");
const CANONICAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.(\d{3}|\d{6}|\d{9}))?Z$/;

const instant = fc.integer({ min: FIRST_MS, max: LAST_MS });
const zone = fc.record({
  sign: fc.constantFrom("+", "-"),
  hours: fc.nat({ max: 23 }),
  minutes: fc.nat({ max: 59 }),
});
const digits = (length: number, value: number) => String(value).padStart(length, "0");

/** The canonical form as Date sees it. */
const canonicalOf = (epochMs: number) => new Date(epochMs).toISOString().replace(".000Z", "Z");

const utcOf = (text: string) => parseTimestamp(text)?.utc;

test("a time in any zone is the instant that Date sees", () => {
  fc.assert(
    fc.property(
      instant,
      zone,
      fc.constantFrom("T", "t", " "),
      (epochMs, { sign, hours, minutes }, separator) => {
        const aheadMs = (sign === "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000;
        fc.pre(epochMs + aheadMs >= FIRST_MS && epochMs + aheadMs <= LAST_MS);
        const local = new Date(epochMs + aheadMs).toISOString().slice(0, -1).replace("T", separator);
        const text = `${local}${sign}${digits(2, hours)}:${digits(2, minutes)}`;
        expect(parseTimestamp(text)).toEqual({ utc: canonicalOf(epochMs), epochMs });
      },
    ),
  );
});

test("a time exists when Date finds all of its fields again", () => {
  const fields = fc.tuple(
    fc.oneof(fc.nat({ max: 9999 }), fc.constantFrom(0, 1900, 2000, 2023, 2024, 2100)),
    fc.oneof(fc.nat({ max: 13 }), fc.constant(2)),
    fc.oneof(fc.nat({ max: 32 }), fc.integer({ min: 28, max: 31 })),
    fc.oneof(fc.nat({ max: 23 }), fc.nat({ max: 99 })),
    fc.oneof(fc.nat({ max: 59 }), fc.nat({ max: 99 })),
    fc.oneof(fc.nat({ max: 59 }), fc.nat({ max: 99 })),
  );
  fc.assert(
    fc.property(fields, ([year, month, day, hour, minute, second]) => {
      const date = new Date(0);
      date.setUTCFullYear(year, month - 1, day);
      date.setUTCHours(hour, minute, second);
      const text = `${digits(4, year)}-${[month, day].map((field) => digits(2, field)).join("-")}T${[hour, minute, second].map((field) => digits(2, field)).join(":")}`;
      const exists = canonicalOf(date.getTime()) === `${text}Z`;
      expect(utcOf(text)).toBe(exists ? `${text}Z` : undefined);
    }),
    { numRuns: 1000 },
  );
});

test("a fraction keeps its value, in the fewest groups of three digits", () => {
  const fraction = fc.stringMatching(/^\d{0,6}0{0,3}$/).filter((text) => text !== "");
  fc.assert(
    fc.property(instant, fraction, (epochMs, written) => {
      const whole = new Date(epochMs).toISOString().slice(0, 19);
      const parsed = parseTimestamp(`${whole}.${written}Z`);
      const kept = parsed?.utc.slice(20, -1) ?? "none";
      expect([0, 3, 6, 9]).toContain(kept.length);
      expect(kept).not.toMatch(/000$/);
      expect(kept.padEnd(9, "0")).toBe(written.padEnd(9, "0"));
      expect(parsed?.utc.slice(0, 19)).toBe(whole);
      expect(parsed?.epochMs).toBe(Date.parse(`${whole}Z`) + Number(written.padEnd(3, "0").slice(0, 3)));
    }),
  );
});

test("all nine digits of a fraction are kept", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{8}[1-9]$/), (fraction) => {
      expect(utcOf(`2025-11-12T19:30:01.${fraction}+01:00`)).toBe(`2025-11-12T18:30:01.${fraction}Z`);
    }),
  );
});

test("texts that are nearly times do not throw, and what is read has a canonical form that reads as itself", () => {
  const garbled = fc
    .tuple(
      instant,
      fc.nat({ max: 23 }),
      fc.constantFrom(..."0123456789:-+.TtZz \n\0é０"),
      fc.constantFrom(0, 1),
    )
    .map(([epochMs, at, character, cut]) => {
      const text = new Date(epochMs).toISOString();
      return text.slice(0, at) + character + text.slice(at + cut);
    });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), garbled), (text) => {
      const parsed = parseTimestamp(text);
      if (!parsed) return;
      expect(parsed.utc).toMatch(CANONICAL);
      expect(parseTimestamp(parsed.utc)).toEqual(parsed);
    }),
    { numRuns: 1000 },
  );
});

test("canonical texts with as many digits sort as their times do", () => {
  const withMs = instant.filter((epochMs) => epochMs % 1000 !== 0);
  fc.assert(
    fc.property(withMs, withMs, (one, other) => {
      expect(formatTimestamp(one) < formatTimestamp(other)).toBe(one < other);
    }),
  );
});

test("a time is formatted as Date does, without a fraction of zeros", () => {
  fc.assert(
    fc.property(instant, (epochMs) => {
      expect(formatTimestamp(epochMs)).toBe(canonicalOf(epochMs));
    }),
    { numRuns: 1000 },
  );
});

test("a formatted time reads as itself", () => {
  fc.assert(
    fc.property(instant, (epochMs) => {
      expect(parseTimestamp(formatTimestamp(epochMs))).toEqual({ utc: formatTimestamp(epochMs), epochMs });
    }),
  );
});

test.each([
  ["without a zone is UTC", "2025-11-12T19:30:01", "2025-11-12T19:30:01Z"],
  ["with a space", "2025-11-12 19:30:01Z", "2025-11-12T19:30:01Z"],
  ["with a lower-case t and z", "2025-11-12t19:30:01z", "2025-11-12T19:30:01Z"],
  ["at the zone -00:00 is UTC", "2025-11-12T19:30:01-00:00", "2025-11-12T19:30:01Z"],
  ["on 29 February of a leap year", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
  ["on 29 February of 2000", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
  ["on 29 February of the year 0", "0000-02-29T00:00:00Z", "0000-02-29T00:00:00Z"],
  ["that its zone moves to another day", "2024-02-29T23:30:00.5-01:00", "2024-03-01T00:30:00.500Z"],
  ["in the widest zone", "2025-11-12T00:00:00+23:59", "2025-11-11T00:01:00Z"],
  ["at the first instant, seen from a zone", "0000-01-01T01:00:00+01:00", "0000-01-01T00:00:00Z"],
  [
    "at the last instant, seen from a zone",
    "9999-12-31T22:59:59.999999999-01:00",
    "9999-12-31T23:59:59.999999999Z",
  ],
])("a time %s", (_, text, utc) => {
  expect(utcOf(text)).toBe(utc);
});

test("before 1970 the fraction is rounded down too", () => {
  expect(parseTimestamp("1969-12-31T23:59:59.9999Z")).toEqual({
    utc: "1969-12-31T23:59:59.999900Z",
    epochMs: -1,
  });
});

test.each([
  ["nothing", ""],
  ["a date only", "2025-11-12"],
  ["a date with an hour only", "2025-11-12T19"],
  ["a time without seconds", "2025-11-12T19:30Z"],
  ["29 February of a common year", "2023-02-29T00:00:00Z"],
  ["29 February of 1900", "1900-02-29T00:00:00Z"],
  ["30 February", "2024-02-30T00:00:00Z"],
  ["31 April", "2025-04-31T00:00:00Z"],
  ["day 0", "2025-04-00T00:00:00Z"],
  ["month 0", "2025-00-01T00:00:00Z"],
  ["month 13", "2025-13-01T00:00:00Z"],
  ["hour 24", "2025-11-12T24:00:00Z"],
  ["minute 60", "2025-11-12T23:60:00Z"],
  ["second 60", "2016-12-31T23:59:60Z"],
  ["zone +24:00", "2025-11-12T00:00:00+24:00"],
  ["zone -24:00", "2025-11-12T00:00:00-24:00"],
  ["zone +00:60", "2025-11-12T00:00:00+00:60"],
  ["a zone without a colon", "2025-11-12T00:00:00+0000"],
  ["a zone of hours only", "2025-11-12T00:00:00+00"],
  ["a zone without a sign", "2025-11-12T00:00:0000:00"],
  ["a zone by name", "2025-11-12T00:00:00UTC"],
  ["two zones", "2025-11-12T00:00:00Z+00:00"],
  ["a point without digits", "2025-11-12T00:00:00.Z"],
  ["a comma before the fraction", "2025-11-12T00:00:00,5Z"],
  ["10 digits of fraction", "2025-11-12T00:00:00.1234567890Z"],
  ["10 digits of fraction, all 0", "2025-11-12T00:00:00.0000000000Z"],
  ["before the year 0 in UTC", "0000-01-01T00:59:59+01:00"],
  ["after the year 9999 in UTC", "9999-12-31T23:00:00-01:00"],
  ["a year of five digits", "12025-11-12T00:00:00Z"],
  ["a year with a sign", "+2025-11-12T00:00:00Z"],
  ["the basic format", "20251112T000000Z"],
  ["one digit short, with a space for it", "2025-11-12T 0:00:00Z"],
  ["one digit short in the month and one long in the day", "2025-1-012T00:00:00Z"],
  ["slashes", "2025/11/12T00:00:00Z"],
  ["another separator", "2025-11-12_00:00:00Z"],
  ["digits of another script", "２０２５-11-12T00:00:00Z"],
  ["a hyphen that is none", "2025‐11‐12T00:00:00Z"],
  ["white space before", " 2025-11-12T00:00:00Z"],
  ["a line break after", "2025-11-12T00:00:00Z\n"],
  ["another line", "x\n2025-11-12T00:00:00Z"],
  ["a time of HTTP", "Wed, 12 Nov 2025 00:00:00 GMT"],
  ["a number of seconds", "1762905600"],
])("%s is no time", (_, text) => {
  expect(parseTimestamp(text)).toBeUndefined();
});

test("a text that exists as a day is a date, as Date sees it", () => {
  const field = (max: number) => fc.oneof(fc.nat({ max }), fc.nat({ max: 99 }));
  fc.assert(
    fc.property(fc.nat({ max: 9999 }), field(12), field(31), (year, month, day) => {
      const text = `${digits(4, year)}-${digits(2, month)}-${digits(2, day)}`;
      const date = new Date(0);
      date.setUTCFullYear(year, month - 1, day);
      expect(isDate(text)).toBe(date.toISOString().slice(0, 10) === text);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  "",
  "2025-11-1",
  "2025-11-12T00:00:00Z",
  "2025-11-12\n",
  " 2025-11-12",
  "2025-02-29",
  "20251112",
  "12025-11-12",
])("%j is no date", (text) => {
  expect(isDate(text)).toBe(false);
});

test("days are counted as Date counts them", () => {
  fc.assert(
    fc.property(instant, (epochMs) => {
      const date = new Date(epochMs);
      const days = daysFromCivil(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
      expect(days).toBe(Math.floor(epochMs / 86_400_000));
    }),
    { numRuns: 1000 },
  );
});
