import fc from "fast-check";
import { expect, test } from "vitest";
import { headOf, withoutControls } from "../../src/enrich/text.ts";

test("a text is cut at the end of a character", () => {
  expect(headOf("aé😀b", 2)).toBe("a");
  expect(headOf("aé😀b", 3)).toBe("aé");
  expect(headOf("aé😀b", 6)).toBe("aé");
  expect(headOf("aé😀b", 7)).toBe("aé😀");
});

test("the head of a text is the longest beginning of whole characters that is short enough", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 40 }), (text, maxBytes) => {
      let expected = "";
      for (const character of text) {
        if (Buffer.byteLength(expected + character) > maxBytes) break;
        expected += character;
      }
      expect(headOf(text, maxBytes)).toBe(expected);
    }),
  );
});

test("control characters of both ranges are left out", () => {
  expect(withoutControls("\0a\tb\x7fc\x85d\r\n")).toBe("abcd");
});
