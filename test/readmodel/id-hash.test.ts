import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ID_HASH_WORDS, IdHash } from "../../src/readmodel/id-hash.ts";

const hash = new IdHash(randomBytes(32));
const hashOf = (site: number, id: string, by = hash) => {
  const words = new Uint32Array(ID_HASH_WORDS + 1).fill(7);
  by.put(site, id, words, 1);
  expect(words[0]).toBe(7);
  return words.subarray(1).join();
};

test("ids that differ at all have other hashes, in each word, and the same on another site", () => {
  const ids = [
    ...["", "\0", "\0\0", "a", "a\0", "A", "ab", "ba", "1", "01", "é", "e\u0301", "😀", "\ufffd"],
    ...["0198c0de-0000-7000-8000-0123456789ab", "0198c0de-0000-7000-8000-0123456789ac"],
    ...["x".repeat(83), "x".repeat(84), "x".repeat(300), "é".repeat(150), "x".repeat(5000)],
    ...Array.from({ length: 300 }, (_, number) => `id-${number}`),
  ];
  const sites = [0, 1, 2, 255, 256, 65_536, 2 ** 31];
  const words = sites.flatMap((site) => ids.map((id) => hashOf(site, id).split(",")));
  for (let place = 0; place < ID_HASH_WORDS; place += 1) {
    // That two of them have a word in common is a matter of one in a thousand; that some have, of none.
    const different = new Set(words.map((word) => word[place]));
    expect(different.size).toBeGreaterThan(words.length - 5);
  }
  expect(new Set(words.map(String)).size).toBe(words.length);
});

test("a hash depends on the key, and not on what was hashed before", () => {
  const key = randomBytes(32);
  const [one, other] = [new IdHash(key), new IdHash(key)];
  hashOf(1, "long".repeat(2000), one);
  for (const id of ["", "x", "é", "x".repeat(200)]) expect(hashOf(1, id, one)).toBe(hashOf(1, id, other));
  expect(hashOf(1, "x", one)).not.toBe(hashOf(1, "x"));
});
