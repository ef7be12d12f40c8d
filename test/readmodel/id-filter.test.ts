import { expect, test } from "vitest";
import { addToFilter, makeFilter, mayHave } from "../../src/readmodel/id-filter.ts";

/** Random hashes of four words, and the zeros and ones that are its edges. */
function hashesOf(count: number): Uint32Array {
  const words = new Uint32Array(4 * count);
  for (let at = 0; at < words.length; at += 4096) crypto.getRandomValues(words.subarray(at, at + 4096));
  words.fill(0, 0, 4);
  words.fill(2 ** 32 - 1, 4, 8);
  return words;
}

test.each([2, 3, 100, 5000])("of %i ids a filter has each, and of others about one in a hundred", (count) => {
  const added = hashesOf(count);
  const filter = makeFilter(count);
  for (let word = 0; word < added.length; word += 4) addToFilter(filter, added, word);
  for (let word = 0; word < added.length; word += 4) expect(mayHave(filter, added, word)).toBe(true);
  const others = hashesOf(50_000);
  let wrong = 0;
  for (let word = 8; word < others.length; word += 4) if (mayHave(filter, others, word)) wrong += 1;
  // By the blocks' chances to have more than their part.
  expect(wrong / 50_000).toBeLessThan(0.03);
});

test("an empty filter has nothing, and an id is told from one that is the same but for one word", () => {
  const hash = Uint32Array.of(1, 2, 3, 4);
  const filter = makeFilter(1000);
  expect(mayHave(filter, hash, 0)).toBe(false);
  addToFilter(filter, hash, 0);
  expect(mayHave(filter, Uint32Array.of(9, 2, 3, 4), 0)).toBe(true);
  for (const other of [
    [1, 2 ** 31, 3, 4],
    [1, 2, 9, 4],
    [1, 2, 3, 9],
  ]) {
    expect(mayHave(filter, Uint32Array.from(other), 0), String(other)).toBe(false);
  }
});
