import fc from "fast-check";
import { expect, test } from "vitest";
import { distinct } from "../../src/query/distinct.ts";

const MOST = 5000;
const GROUPS = 40;

test.for([
  { way: "bits", groups: GROUPS },
  { way: "pairs", groups: Number.POSITIVE_INFINITY },
])("a member is new in a group once: by $way", ({ groups }) => {
  const pair = fc.tuple(fc.nat(GROUPS - 1), fc.integer({ min: 1, max: MOST }));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 3000, size: "max" }), (pairs) => {
      const counted = distinct(groups, MOST);
      const seen = new Set<string>();
      for (const [group, member] of pairs) {
        const key = `${group} ${member}`;
        expect(counted.add(group, member)).toBe(!seen.has(key));
        seen.add(key);
      }
    }),
    { numRuns: 30 },
  );
});
