import fc from "fast-check";
import { expect, test } from "vitest";
import { VisitorCache, type VisitorKind } from "../../src/readmodel/visitor-cache.ts";

const key = fc.oneof(
  fc.constantFrom("", "\0", "\0\0", "a", "aaaa", "aaaaa", "ÿ", "Ā", "u".repeat(36), "u".repeat(37)),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const visitor = fc.record({
  site: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(2 ** 31 - 1)),
  kind: fc.constantFrom<VisitorKind>("user", "hash"),
  key,
});
const value = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2 ** 31 - 2, max: 2 ** 33 }));

test.for([0, 1, 2, 7, 1000])(
  "with %i places it gives what was put last for a visitor, or nothing",
  (places) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(visitor, value), { maxLength: 30 }), (puts) => {
        const cache = new VisitorCache(places);
        for (const site of [1, 3]) cache.begin(site);
        const values = new Map<string, number>();
        for (const [{ site, kind, key }, value] of puts) {
          cache.put(site, kind, key, value);
          values.set(JSON.stringify([site, kind, key]), value);
          for (const [{ site, kind, key }] of puts) {
            const found = cache.find(site, kind, key);
            const put = values.get(JSON.stringify([site, kind, key]));
            if (found !== undefined) expect(found).toBe(put ?? 0);
          }
        }
      }),
    );
  },
);

test("whoever has a place is found, until another one takes it or all is forgotten", () => {
  const cache = new VisitorCache(1);
  cache.put(1, "user", "ada", 7);
  expect(cache.find(1, "user", "ada")).toBe(7);
  expect(cache.find(2, "user", "ada")).toBeUndefined();
  expect(cache.find(1, "hash", "ada")).toBeUndefined();
  cache.put(1, "user", "ada", 8);
  expect(cache.find(1, "user", "ada")).toBe(8);
  cache.put(1, "user", "bob", 9);
  expect(cache.find(1, "user", "ada")).toBeUndefined();
  expect(cache.find(1, "user", "bob")).toBe(9);
  cache.clear();
  expect(cache.find(1, "user", "bob")).toBeUndefined();
});

test("of a site of which all visitors were put, it is known that others are nobody's", () => {
  const cache = new VisitorCache(100);
  cache.begin(1);
  const keys = Array.from({ length: 5000 }, (_, number) => `visitor ${number}`);
  for (const key of keys) cache.put(1, "user", key, 7);
  const found = keys.map((key) => cache.find(1, "user", key));
  expect(found).not.toContain(0);
  expect(found).toContain(undefined);
  expect(keys.filter((key) => cache.find(1, "user", `no ${key}`) === 0).length).toBeGreaterThan(4900);
  expect(keys.filter((key) => cache.find(2, "user", key) !== undefined)).toEqual([]);
  expect(cache.find(1, "user", "ada")).toBe(0);
  cache.clear();
  expect(cache.find(1, "user", "ada")).toBeUndefined();
});

test("a number that is too large for a place is none that was put before", () => {
  const cache = new VisitorCache(1);
  cache.put(1, "user", "ada", 7);
  cache.put(1, "user", "ada", 2 ** 31);
  expect(cache.find(1, "user", "ada")).toBeUndefined();
});
