import fc from "fast-check";
import { expect, test } from "vitest";
import { countedTexts } from "../../src/readmodel/counted-texts.ts";
import { above, type Floor } from "../../src/readmodel/floor.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.constantFrom("", "a", "aa", "ab", "\uffee"),
);
const counted = fc.tuple(text, fc.integer({ min: 1, max: 4 }));

/** From the one that is there most often; those that are there as often by their bytes. */
function compare([a, many]: readonly [string, number], [b, others]: readonly [string, number]): number {
  return others - many || Buffer.compare(Buffer.from(a), Buffer.from(b));
}

test("all texts above the floor are found, or at least the most frequent ones and a floor that is below these", () => {
  const all = fc.uniqueArray(counted, { selector: ([text]) => text, maxLength: 60, size: "max" });
  let risen = 0;
  fc.assert(
    fc.property(all, counted, fc.integer({ min: 1, max: 5 }), (given, [text, count], most) => {
      const floor: Floor = { count, text: Buffer.from(text) };
      const ranked = given.filter((one) => compare(one, [text, count]) <= 0).sort(compare);
      const found = above(
        countedTexts(
          given.map(([text]) => text),
          given.map(([, count]) => count),
        ),
        Float64Array.from(given, ([, count]) => count),
        floor,
        most,
      );
      const texts = found.places.map((place) => given[place] ?? expect.fail()).sort(compare);
      expect(texts.length).toBeLessThanOrEqual(3 * most);
      expect(texts).toEqual(ranked.slice(0, texts.length));
      if (ranked.length <= 3 * most) expect(found).toEqual({ places: expect.any(Array), floor });
      if (texts.length === ranked.length) return;
      risen += 1;
      expect(texts.length).toBeGreaterThanOrEqual(most);
      const last: [string, number] = [Buffer.from(found.floor.text).toString(), found.floor.count];
      for (const one of ranked.slice(texts.length)) expect(compare(one, last)).toBeGreaterThan(0);
      for (const one of texts) expect(compare(one, last)).toBeLessThanOrEqual(0);
    }),
  );
  expect(risen).toBeGreaterThan(10);
});
