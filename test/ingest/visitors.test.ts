import { createHmac } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { dayOf, MS_PER_DAY } from "../../src/ingest/timestamp.ts";
import { Visitors } from "../../src/ingest/visitors.ts";
import { SESSION_GAP_MS } from "../../src/projector/session.ts";

const MIDNIGHT_MS = Date.parse("2025-11-13T00:00:00Z");
const MINUTE_MS = 60_000;
const KEPT = { site: "s", address: "192.0.2.1", userAgent: "Mozilla/5.0" };

const keyOf = (day: number) => Buffer.alloc(32, day);

/** Visitors, seen at times in minutes from the midnight; the answer is the day whose key made the hash. */
function open() {
  const visitors = new Visitors({ keyOf, openKey: keyOf });
  return (minutes: number, { site, address, userAgent } = KEPT): string => {
    const nowMs = MIDNIGHT_MS + minutes * MINUTE_MS;
    const visitor = visitors.of(site, address, userAgent, nowMs);
    if (!visitor) throw new Error("there is no visitor");
    const { bytes } = visitors.see(visitor, nowMs);
    const isOf = (day: number) => hashOf(day, site, address, userAgent).equals(bytes);
    return isOf(dayOf(nowMs)) ? TODAY : isOf(dayOf(nowMs) - 1) ? YESTERDAY : "another day";
  };
}

const [TODAY, YESTERDAY] = ["today", "yesterday"];

function hashOf(day: number, ...parts: string[]): Buffer {
  return createHmac("sha256", keyOf(day)).update(parts.join("\0")).digest().subarray(0, 16);
}

test("a visitor is the first 16 bytes of a keyed hash", () => {
  expect(open()(-600)).toBe(TODAY);
});

test("site, address and user agent cannot be taken for one another", () => {
  const visitors = new Visitors({ keyOf, openKey: keyOf });
  const text = fc.constantFrom("", "a", "b", "ab", "\u0001");
  const parts = fc.tuple(text, text, text);
  fc.assert(
    fc.property(parts, parts, (one, other) => {
      const [a, b] = [one, other].map(([site, address, agent]) =>
        visitors.of(site, address, agent, MIDNIGHT_MS),
      );
      expect(a?.today.name === b?.today.name).toBe(one.join("|") === other.join("|"));
    }),
  );
});

test("the next day a visitor is another one", () => {
  const see = open();
  expect([see(-31), see(0), see(60)]).toEqual([TODAY, TODAY, TODAY]);
});

test("whoever was seen in the last half hour of the day keeps the hash until the visit ends", () => {
  const see = open();
  expect([see(-1), see(1), see(30), see(59)]).toEqual([TODAY, YESTERDAY, YESTERDAY, YESTERDAY]);
  expect([see(89), see(90), see(91)]).toEqual([TODAY, TODAY, TODAY]);
});

test("a visit ends when half an hour has passed, to the millisecond", () => {
  const gap = SESSION_GAP_MS / MINUTE_MS;
  const see = open();
  see(-1);
  expect(see(gap - 1 - 1 / MINUTE_MS)).toBe(YESTERDAY);
  const later = open();
  later(-1);
  expect(later(gap - 1)).toBe(TODAY);
});

test("nobody else keeps anything by that", () => {
  const see = open();
  see(-1);
  for (const other of [{ site: "t" }, { address: "192.0.2.2" }, { userAgent: "" }]) {
    expect(see(1, { ...KEPT, ...other })).toBe(TODAY);
  }
  expect(see(2)).toBe(YESTERDAY);
});

test("a visit that goes on for the whole day becomes another visitor when its key is gone", () => {
  const see = open();
  const day = MS_PER_DAY / MINUTE_MS;
  for (let minutes = -10; minutes < 0; minutes += 20) see(minutes);
  for (let minutes = 10; minutes < day; minutes += 20) expect(see(minutes)).toBe(YESTERDAY);
  expect(see(day + 5)).toBe(TODAY);
});

test("after a restart nothing is known of the visits that were going on", () => {
  open()(-1);
  expect(open()(1)).toBe(TODAY);
});

test("after a day without any event, nothing goes on", () => {
  const see = open();
  see(-1);
  expect(see(MS_PER_DAY / MINUTE_MS + 1)).toBe(TODAY);
});

test("while there is no key, nobody can be told", () => {
  const visitors = new Visitors({ keyOf: () => undefined, openKey: () => undefined });
  expect(visitors.of("s", "192.0.2.1", "", MIDNIGHT_MS)).toBeUndefined();
});

test("whenever a visitor is seen, a visit never has two hashes over midnight", () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: -120, max: 10 }), gaps, (start, minutes) => {
      const see = open();
      let at = start;
      let keyDay = at < 0 ? -1 : 0;
      expect(see(at)).toBe(TODAY);
      for (const gap of minutes) {
        at += gap;
        // A visit keeps the day of its key; a new one takes the day on which it begins.
        if (gap >= 30) keyDay = at < 0 ? -1 : 0;
        expect(see(at)).toBe(at >= 0 && keyDay === -1 ? YESTERDAY : TODAY);
      }
    }),
  );
});
