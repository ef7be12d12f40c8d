import fc from "fast-check";
import { expect, test } from "vitest";
import { ENTRY_WORDS, NEVER, receivedAt } from "../../src/readmodel/id-entries.ts";
import { IdTable } from "../../src/readmodel/id-table.ts";

const WORDS = 2 ** 32;

/** First words at the beginning and at the end of the table, many the same, and some anywhere. */
const first = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: WORDS - 4, max: WORDS - 1 }),
  fc.integer({ min: 0, max: WORDS - 1 }),
);
const last = fc.oneof(fc.nat(2), fc.integer({ min: WORDS - 2, max: WORDS - 1 }));
const time = fc.constantFrom(0, 1, WORDS - 2, WORDS - 1, WORDS, 1_700_000_000_000);
const one = fc.tuple(first, fc.nat(2), fc.nat(2), last, time);
const given = fc.oneof(fc.array(one, { maxLength: 40 }), fc.array(one, { minLength: 300, maxLength: 400 }));

test("an id has the time that was said last, and all are found in order", () => {
  fc.assert(
    fc.property(given, (given) => {
      const table = new IdTable();
      const expected = new Map<string, number[]>();
      for (const [...words] of given) {
        const time = words[4];
        const hash = words.slice(0, 4);
        const hashes = Uint32Array.from([9, ...hash]);
        expect(table.get(hashes, 1)).toBe(expected.get(hash.join())?.[4] ?? NEVER);
        table.set(hashes, 1, time);
        expected.set(hash.join(), [...hash, time]);
      }
      const sorted = table.sorted();
      const found: number[][] = [];
      for (let at = 0; at < sorted.length; at += ENTRY_WORDS) {
        found.push([...sorted.subarray(at, at + 4), receivedAt(sorted, at)]);
      }
      expect(found).toEqual([...expected.values()].sort(inOrder));
    }),
    { numRuns: 200 },
  );
});

function inOrder(one: readonly number[], other: readonly number[]): number {
  const place = one.findIndex((word, index) => word !== other[index]);
  return (one[place] ?? 0) - (other[place] ?? 0);
}
