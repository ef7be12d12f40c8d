import fc from "fast-check";
import { expect, test } from "vitest";
import { distinct } from "../../src/query/distinct.ts";

const MOST = 5000;
const GROUPS = 40;

test.for([
  { way: "bits", groups: GROUPS, most: MOST },
  { way: "first groups, and pairs", groups: Number.POSITIVE_INFINITY, most: MOST },
  { way: "pairs, as there are many members", groups: Number.POSITIVE_INFINITY, most: 2 ** 25 },
])("a member is new in a group once: by $way", ({ groups, most }) => {
  const pair = fc.tuple(fc.nat(GROUPS - 1), fc.nat(MOST));
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 3000, size: "max" }), (pairs) => {
      const counted = distinct(groups, most);
      const seen = new Set<string>();
      for (const part of [pairs.slice(0, 100), pairs.slice(100)]) {
        const fresh = new Uint32Array(part.length);
        const membership = {
          count: part.length,
          groups: Uint32Array.from(part, ([group]) => group),
          members: Uint32Array.from(part, ([, member]) => member),
        };
        const found = counted.addAll(membership, fresh);
        const expected = part.flatMap(([group, member], at) => {
          const key = `${group} ${member}`;
          if (member === 0 || seen.has(key)) return [];
          seen.add(key);
          return [at];
        });
        expect([...fresh.subarray(0, found)]).toEqual(expected);
      }
    }),
    { numRuns: 30 },
  );
});
