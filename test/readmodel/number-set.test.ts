import fc from "fast-check";
import { expect, test } from "vitest";
import { NumberSet } from "../../src/readmodel/number-set.ts";

test("each number is new once, and there are as many pages as it takes", () => {
  const number = fc.oneof(fc.nat(3000), fc.integer({ min: 2 ** 31 - 2, max: 2 ** 33 }));
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const set = new NumberSet();
      const seen = new Set<number>();
      for (const one of numbers) {
        expect(set.add(one)).toBe(!seen.has(one));
        seen.add(one);
      }
      expect(set.pages).toBe(new Set(numbers.map((one) => Math.floor(one / 1024))).size);
    }),
  );
});
