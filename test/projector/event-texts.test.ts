import { expect, test } from "vitest";
import { type EventTexts, textColumns, textsOf } from "../../src/projector/event-texts.ts";

/** Rows of "a", "bc", "", "é" and "d" in other bytes, and of these in another order. */
const texts: EventTexts = {
  bytes: new Uint8Array(Buffer.from("-a-bc-é-d")),
  bounds: Uint32Array.from([1, 2, 3, 4, 0, 0, 6, 5, 9, 2, 9, 2, 1, 2, 3, 4, 0, 0, 6, 5]),
};

test("texts come column by column", () => {
  expect(textColumns(texts)).toEqual([
    ["a", "d"],
    ["bc", "a"],
    ["", "bc"],
    ["é", ""],
    ["d", "é"],
  ]);
  expect(textColumns(textsOf(texts, 1, 2))).toEqual([["d"], ["a"], ["bc"], [""], ["é"]]);
  expect(textColumns(textsOf(texts, 2, 2))).toEqual([[], [], [], [], []]);
});

test("a text that is not in the bytes is refused", () => {
  const bounds = texts.bounds.slice();
  bounds[8] = 10;
  expect(() => textColumns({ ...texts, bounds })).toThrow(RangeError);
});
