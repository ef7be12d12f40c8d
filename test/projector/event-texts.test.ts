import { expect, test } from "vitest";
import { type EventTexts, TextReader, textsOf } from "../../src/projector/event-texts.ts";

/** Rows of "a", "bc", "", "é" and "d" in other bytes, and of these in another order. */
const texts: EventTexts = {
  bytes: new Uint8Array(Buffer.from("-a-bc-é-d")),
  bounds: Uint32Array.from([1, 2, 3, 4, 0, 0, 6, 5, 9, 2, 9, 2, 1, 2, 3, 4, 0, 0, 6, 5]),
};

function rowOf(texts: EventTexts, row: number): string[] {
  const reader = new TextReader(texts);
  return [0, 1, 2, 3, 4].map((place) => reader.read(row, place));
}

test("the texts of rows are read from where they are", () => {
  expect(rowOf(texts, 0)).toEqual(["a", "bc", "", "é", "d"]);
  expect(rowOf(texts, 1)).toEqual(["d", "a", "bc", "", "é"]);
  expect(rowOf(textsOf(texts, 1, 2), 0)).toEqual(["d", "a", "bc", "", "é"]);
});

test("they are the same where most of the bytes are of other rows", () => {
  const wide = { ...texts, bytes: new Uint8Array(Buffer.concat([texts.bytes, Buffer.alloc(5000)])) };
  for (const row of [0, 1]) expect(rowOf(wide, row)).toEqual(rowOf(texts, row));
});

test("a text that is not in the bytes is refused", () => {
  const bounds = texts.bounds.slice();
  bounds[8] = 10;
  expect(() => rowOf({ ...texts, bounds }, 0)).toThrow(RangeError);
  expect(rowOf({ ...texts, bounds }, 1)).toEqual(["d", "a", "bc", "", "é"]);
});
