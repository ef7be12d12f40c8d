import fc from "fast-check";
import { expect, test } from "vitest";
import { PairSet } from "../../src/query/pair-set.ts";

const MOST = 2 ** 32 - 2;

test("a pair is new once, whatever was in the memory before", () => {
  const number = fc.oneof(fc.nat(50), fc.integer({ min: MOST - 50, max: MOST }));
  const pairs = fc.array(fc.tuple(number, number), { maxLength: 300, size: "max" });
  fc.assert(
    fc.property(pairs, (pairs) => {
      const set = new PairSet();
      const expected = new Set<string>();
      for (const [group, member] of pairs) {
        const key = `${group} ${member}`;
        expect(set.add(group, member)).toBe(!expected.has(key));
        expected.add(key);
      }
      expect(set.size).toBe(expected.size);
      set.release();
    }),
  );
});

test.for([
  { whose: "of one member", group: (index: number) => index, member: () => 7 },
  { whose: "of members that share their places", group: () => 3, member: (index: number) => index * 2 ** 16 },
  { whose: "of all sorts", group: (index: number) => index % 1000, member: (index: number) => index >>> 7 },
])("pairs are found when there are many $whose", ({ group, member }) => {
  const set = new PairSet();
  const indexes = Array.from({ length: 60_000 }, (_, index) => index);
  const pairs = new Set(indexes.map((index) => `${group(index)} ${member(index)}`));
  expect(indexes.filter((index) => set.add(group(index), member(index)))).toHaveLength(pairs.size);
  expect(indexes.filter((index) => set.add(group(index), member(index)))).toEqual([]);
  expect(set.size).toBe(pairs.size);
  set.release();
});

test("where the places of all neighbours are full, pairs are still found in a few steps", () => {
  const set = new PairSet();
  const [members, groups] = [120_000, 20];
  // Far beyond the time limit of a test, when the search goes on from place to place.
  for (let member = 1; member <= members; member += 1) {
    for (let group = 0; group < groups; group += 1) set.add((member * 7 + group * 13) % 500, member);
  }
  expect(set.size).toBe(members * groups);
  set.release();
});
