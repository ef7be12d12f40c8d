import fc from "fast-check";
import { expect, test } from "vitest";
import { compareTexts } from "../src/text-order.ts";

test("the order of texts is that of their UTF-8 bytes", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}"),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareTexts(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});
