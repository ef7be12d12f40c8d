import fc from "fast-check";
import { expect, test } from "vitest";
import { COUNT_WORDS, countAt } from "../../src/readmodel/count-page.ts";
import { CountTable } from "../../src/readmodel/count-table.ts";

const WORDS = 2 ** 32;

/** First words at the beginning and the end of the table, many the same, and some anywhere. */
const first = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: WORDS - 4, max: WORDS - 1 }),
  fc.integer({ min: 0, max: WORDS - 1 }),
);
const second = fc.oneof(fc.nat(3), fc.nat(400));
const count = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(2 ** 40));
const one = fc.tuple(first, second, count);
const added = fc.oneof(fc.array(one, { maxLength: 60 }), fc.array(one, { minLength: 1500, maxLength: 2000 }));

test("counts add up by hash, and are found in order, each in one range", () => {
  let grown = 0;
  fc.assert(
    fc.property(added, fc.constantFrom(1, 2, 8, 64), (given, ranges) => {
      const table = new CountTable(0);
      const expected = new Map<string, [number, number, number]>();
      for (const [first, second, count] of given) {
        const key = `${first} ${second}`;
        const [, , before] = expected.get(key) ?? [first, second, 0];
        expected.set(key, [first, second, before + count]);
        expect(table.add(Uint32Array.of(9, first, second, 0), 1, count)).toBe(before + count);
      }
      expect(table.size).toBe(expected.size);
      if (table.size > 768) grown += 1;
      const found: [number, number, number][] = [];
      for (let number = 0; number < ranges; number += 1) {
        const [from, to] = [(number / ranges) * WORDS, ((number + 1) / ranges) * WORDS];
        const range = table.range(from, to);
        for (let at = 0; at < range.length; at += COUNT_WORDS) {
          found.push([range[at] ?? 0, range[at + 1] ?? 0, countAt(range, at)]);
        }
      }
      expect(found).toEqual([...expected.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
      const copy = new CountTable(given.length);
      copy.addAll(table.range(0, WORDS));
      expect(copy.range(0, WORDS)).toEqual(table.range(0, WORDS));
    }),
    { numRuns: 60 },
  );
  expect(grown).toBeGreaterThan(5);
});
