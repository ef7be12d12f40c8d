import fc from "fast-check";
import { expect, test } from "vitest";
import { Dictionary } from "../../src/columns/dictionary.ts";

/** Hashes of texts that are numbers: of good ones and bad ones, and for some texts none. */
const HASHES = [
  (number: number) => Math.imul(number, 0x9e37_79b1),
  (number: number) => number % 7,
  () => 5,
  (number: number) => (number % 3 === 0 ? 0 : number % 100),
  (number: number) => -(number % 1000) - 1,
];

test("each text has one code, in the order in which they come, whatever their hashes", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...HASHES),
      fc.array(fc.nat(2000), { minLength: 1, maxLength: 3000, size: "max" }),
      (hashOf, numbers) => {
        const dictionary = new Dictionary();
        const expected = new Map([["", 0]]);
        for (const number of numbers) {
          const text = number === 0 ? "" : String(number);
          if (!expected.has(text)) expected.set(text, expected.size);
          expect(dictionary.codeFor(text, hashOf(number))).toBe(expected.get(text));
        }
        expect(dictionary.texts).toEqual([...expected.keys()]);
      },
    ),
    { numRuns: 100 },
  );
});

test("texts of one hash do not take a place from others, and have codes when the table is made larger", () => {
  const dictionary = new Dictionary();
  const texts = Array.from({ length: 10_000 }, (_, number) => `/${number}`);
  const hashOf = (number: number) => (number % 2 === 0 ? 1 : number);
  for (let time = 0; time < 2; time += 1) {
    texts.forEach((text, number) => {
      expect(dictionary.codeFor(text, hashOf(number))).toBe(number + 1);
    });
  }
  expect(dictionary.texts).toEqual(["", ...texts]);
});
