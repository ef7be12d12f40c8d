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
