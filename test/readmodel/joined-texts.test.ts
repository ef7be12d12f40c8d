import fc from "fast-check";
import { expect, test } from "vitest";
import { joined, parted } from "../../src/readmodel/joined-texts.ts";

test("texts that were joined are the same when they are parted", () => {
  const texts = fc.array(fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(texts, (given) => {
      expect(parted(joined(given))).toEqual(given);
    }),
  );
});
