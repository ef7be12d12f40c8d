import { isAscii } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Texts } from "../../src/projector/texts.ts";

test("any bytes become the text that Buffer makes of them, whatever was read before", () => {
  const texts = new Texts();
  const few = fc.constantFrom(
    "",
    "a",
    "/a",
    "/b",
    "é",
    "\u00c3\u00a9",
    "\0",
    "\0\0",
    ...[1, 2, 3, 4, 5, 60, 61, 63, 64, 65, 68].flatMap((length) =>
      ["/", "\0"].map((one) => one.repeat(length)),
    ),
    "/".repeat(256),
    "/".repeat(257),
  );
  const bytes = fc.oneof(
    few.map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: "binary", maxLength: 300 }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(bytes, fc.nat({ max: 3 }), (bytes, before) => {
      const hashes: number[] = [];
      const padded = Buffer.concat([Buffer.alloc(before, "x"), bytes, Buffer.from("behind")]);
      for (let time = 0; time < 2; time += 1) {
        expect(texts.read(padded, before, before + bytes.length)).toBe(bytes.toString());
        hashes.push(texts.hash);
      }
      expect(hashes[1]).toBe(hashes[0]);
      expect(hashes[0] !== 0).toBe(isAscii(bytes) && bytes.length <= 256);
      expect(hashes[0]).toBe((hashes[0] ?? 0) | 0);
    }),
    { numRuns: 2000 },
  );
});

test("a text takes the place of another one, and is not taken for it", () => {
  const texts = new Texts();
  for (let time = 0; time < 2; time += 1) {
    for (let number = 0; number < 200_000; number += 1) {
      const text = `/${number}`;
      const bytes = Buffer.from(text);
      if (texts.read(bytes, 0, bytes.length) !== text) throw new Error(`not ${text}`);
    }
  }
  const bytes = Buffer.from("/0");
  expect(texts.read(bytes, 0, bytes.length)).toBe("/0");
});
