import fc from "fast-check";
import { expect, test } from "vitest";
import { readTexts } from "../../src/columns/text-bytes.ts";

test("texts are those of the JSON, whatever is escaped in it, and the JSON stays as it is", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (texts) => {
      const json = Buffer.from(JSON.stringify(texts));
      const { bytes, starts, ends } = readTexts(json);
      const read = [...starts].map((start, place) => bytes.toString("utf8", start, ends[place]));
      expect(read).toEqual(texts);
      expect(JSON.parse(json.toString())).toEqual(texts);
    }),
  );
});
