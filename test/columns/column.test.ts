import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeIntegers,
  decodeNumbers,
  decodeTexts,
  encodeNumbers,
  encodeTexts,
  rowsOf,
} from "../../src/columns/column.ts";

const HEADER_BYTES = 16;

test("numbers are read as they were written", () => {
  const numbers = fc.oneof(
    fc.array(fc.maxSafeInteger()),
    fc.array(fc.nat(300)),
    fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })),
  );
  fc.assert(
    fc.property(numbers, (values) => {
      const column = encodeNumbers(Float64Array.from(values));
      expect(rowsOf(column)).toBe(values.length);
      // -0 is a number like 0.
      expect([...decodeNumbers(column)].map((value) => value + 0)).toEqual(values.map((value) => value + 0));
    }),
  );
});

test("whole numbers are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 32 - 1)), (values) => {
      expect([...decodeIntegers(encodeNumbers(Uint32Array.from(values)))]).toEqual(values);
    }),
  );
});

test("texts are read as they were written", () => {
  const columns = fc
    .uniqueArray(fc.string({ unit: "grapheme" }), { minLength: 1 })
    .chain((dictionary) =>
      fc
        .array(fc.nat(dictionary.length - 1))
        .map((codes) => ({ dictionary, codes: Uint32Array.from(codes) })),
    );
  fc.assert(
    fc.property(columns, ({ dictionary, codes }) => {
      expect(decodeTexts(encodeTexts(codes, dictionary))).toEqual({ dictionary, codes });
    }),
  );
});

test.for([
  { what: "the same number", values: [1e12, 1e12], bytes: 0 },
  { what: "numbers up to 255 apart", values: [1e12, 1e12 + 255], bytes: 1 },
  { what: "numbers up to 65,535 apart", values: [-5, 65_530], bytes: 2 },
  { what: "the milliseconds of a month", values: [0, 31 * 86_400_000], bytes: 4 },
  { what: "fractions", values: [0.5, 1], bytes: 8 },
])("$what take $bytes bytes each", ({ values, bytes }) => {
  const column = encodeNumbers(Float64Array.from(values));
  expect(column.length).toBe(HEADER_BYTES + values.length * bytes);
});

test("bytes that are no column are refused", () => {
  expect(() => decodeNumbers(Buffer.alloc(20, 3))).toThrow("a column has codes of 3 bytes");
});
