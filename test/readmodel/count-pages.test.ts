import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CountPages } from "../../src/readmodel/count-pages.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { TextHash } from "../../src/readmodel/text-hash.ts";

const LIST = 3;
/** Of pages in a test: 16 times as many, six times in a row, would be 16 million. */
const MOST_PAGES = 4096;

function openPages() {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  return { database, pages: new CountPages(database) };
}

/** Hashes of which many have their first words in common, and some their second ones. */
const hash = fc.tuple(
  fc.constantFrom(0, 1, 5, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  fc.constantFrom(0, 1, 0xffff_ffff),
  fc.constantFrom(0, 0x20_0000, 0x8000_0000, 0xffe0_0000),
);
const additions = fc.uniqueArray(fc.tuple(hash, fc.oneof(fc.nat(9), fc.maxSafeNat())), {
  selector: ([words]) => words.join(),
  maxLength: 60,
});

test("counts add up by hash, on however many pages, up to 2^53", () => {
  const pageCounts = fc.array(fc.tuple(fc.constantFrom(1, 2, 16), additions), { maxLength: 6 });
  fc.assert(
    fc.property(pageCounts, (given) => {
      const { database, pages } = openPages();
      const expected = new Map<string, number>();
      let count = 1;
      for (const [times, added] of given) {
        count = pages.spread(LIST, count, Math.min(count * times, MOST_PAGES) * 256);
        const few = added.filter(
          ([words, views]) => (expected.get(words.join()) ?? 0) + views <= Number.MAX_SAFE_INTEGER,
        );
        const hashes = Uint32Array.from(few.flatMap(([words]) => words));
        const totals = pages.add(
          LIST,
          count,
          hashes,
          Float64Array.from(few, ([, views]) => views),
        );
        for (const [words, views] of few) {
          expected.set(words.join(), (expected.get(words.join()) ?? 0) + views);
        }
        expect([...totals]).toEqual(few.map(([words]) => expected.get(words.join())));
      }
      const bytes = database.prepare("SELECT total(length(counts)) FROM path_pages").pluck().get();
      expect(bytes).toBe(16 * expected.size);
      database.close();
    }),
  );
});

test("a text has the same hash for one key, another for another, and no text has that of another", () => {
  const texts = Array.from({ length: 4000 }, (_, number) => `/${number % 2 ? "a" : "b"}${number >> 1}`);
  const all = [...texts, "", "\0", "/", "/\0", "/ ", `/${"x".repeat(5000)}`, `/${"x".repeat(5001)}`];
  const ends = Uint32Array.from(all, (text) => Buffer.byteLength(text));
  const room = Math.max(...ends);
  const bytes = Buffer.alloc(all.length * room);
  const starts = Uint32Array.from(all, (text, place) => {
    bytes.write(text, place * room);
    return place * room;
  });
  const hashes = (key: Buffer, from = 0) => {
    const words = new TextHash(key).of(
      bytes,
      starts.subarray(from),
      starts.subarray(from).map((start, place) => start + (ends[from + place] ?? 0)),
    );
    return all.slice(from).map((_, place) => words.subarray(3 * place, 3 * place + 3).join());
  };
  const key = randomBytes(32);
  expect(new Set(hashes(key)).size).toBe(all.length);
  expect(hashes(key, all.length - 1)).toEqual(hashes(key).slice(-1));
  expect(hashes(randomBytes(32), 1)).not.toEqual(hashes(key, 1));
});
