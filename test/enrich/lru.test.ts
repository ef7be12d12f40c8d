import { expect, test } from "vitest";
import { Lru } from "../../src/enrich/lru.ts";

function counting(maxEntries: number) {
  const lru = new Lru<{ answer: string }>(maxEntries);
  const asked: string[] = [];
  const recall = (key: string) =>
    lru.recall(key, (question) => {
      asked.push(question);
      return { answer: question };
    });
  return { lru, asked, recall };
}

test("what was asked is remembered", () => {
  const { asked, recall } = counting(2);
  expect([recall("a"), recall("a")]).toEqual([{ answer: "a" }, { answer: "a" }]);
  expect(asked).toEqual(["a"]);
});

test("what was not asked for the longest time is forgotten first", () => {
  const { asked, recall, lru } = counting(2);
  for (const key of ["a", "b", "a", "c", "a", "b"]) recall(key);
  expect(asked).toEqual(["a", "b", "c", "b"]);
  expect(lru.size).toBe(2);
});

test("all can be forgotten", () => {
  const { asked, recall, lru } = counting(2);
  recall("a");
  lru.clear();
  recall("a");
  expect(asked).toEqual(["a", "a"]);
});

test("a key with half a character is known again", () => {
  const { asked, recall } = counting(2);
  recall("\ud800");
  recall("\ud800");
  expect(asked).toHaveLength(1);
});
