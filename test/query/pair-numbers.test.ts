import fc from "fast-check";
import { expect, test } from "vitest";
import { PairNumbers } from "../../src/query/pair-numbers.ts";

const MOST = 2 ** 32 - 1;

test("each pair has the number of distinct ones before it, and is found by it", () => {
  const number = fc.oneof(fc.nat(50), fc.integer({ min: MOST - 50, max: MOST }));
  const pairs = fc.array(fc.tuple(number, number), { maxLength: 300, size: "max" });
  fc.assert(
    fc.property(pairs, (pairs) => {
      const numbers = new PairNumbers();
      const expected = new Map<string, number>();
      for (const [first, second] of pairs) {
        const key = `${first} ${second}`;
        if (!expected.has(key)) expected.set(key, expected.size);
        const found = numbers.numberOf(first, second);
        expect(found).toBe(expected.get(key));
        expect([numbers.first(found), numbers.second(found)]).toEqual([first, second]);
      }
      expect(numbers.size).toBe(expected.size);
    }),
  );
});

test("pairs keep their numbers when there are many", () => {
  const numbers = new PairNumbers();
  const count = 50_000;
  const number = (index: number) => numbers.numberOf(index % 1000, Math.floor(index / 1000));
  const indexes = Array.from({ length: count }, (_, index) => index);
  expect(indexes.map(number)).toEqual(indexes);
  expect(indexes.map(number)).toEqual(indexes);
  expect(numbers.size).toBe(count);
});
