import fc from "fast-check";
import { expect, test } from "vitest";
import { firstOf } from "../../src/query/first-of.ts";

test("the first ones are those of the whole in order, however many are asked for", () => {
  const keys = fc.array(fc.nat(20), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(keys, fc.nat(220), (keys, count) => {
      const items = keys.map((_, index) => index);
      // Many have the same key, and none the same index.
      const compare = (a: number, b: number) => (keys[a] ?? 0) - (keys[b] ?? 0) || a - b;
      expect(firstOf(items, count, compare)).toEqual(items.toSorted(compare).slice(0, count));
    }),
  );
});
