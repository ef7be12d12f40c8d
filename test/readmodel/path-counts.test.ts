import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countedTexts } from "../../src/readmodel/counted-texts.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { PATH_SIZES, PATH_SIZES_AHEAD, PathCounts } from "../../src/readmodel/path-counts.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const SITE = 1;
const DAY = 20_000;
const DATE = "2024-10-04";
const SMALL_SIZES = {
  ...{ most: 3, fewCharacters: 30, characters: 30, pages: 1, runs: 3, texts: 500 },
  beside: { share: 0.5, bytes: 20, paths: 2 },
};

/** A read model with a site that has no events. */
function openModel(sizes = PATH_SIZES) {
  const directory = temporaryDirectory();
  const path = generationPath(directory, 1);
  const writer = new ReadModelWriter(path, { dedupeWindowMs: 1000 });
  writer.apply(batch([{ site: "site", type: "click" }]), after(1));
  publishGeneration(directory, 1);
  const database = new Database(path);
  const counts = new PathCounts(database, sizes);
  const reader = new ReadModelReader(directory);
  const add = (paths: readonly string[]) => {
    const views = tally(paths);
    const counted = countedTexts(Object.keys(views), Object.values(views));
    counts.add(SITE, { day: DAY, views: paths.length, paths: counted });
  };
  const close = async () => {
    reader.close();
    database.close();
    await writer.close();
  };
  return { database, reader, add, close };
}

function tally(paths: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const path of paths) counts[path] = (counts[path] ?? 0) + 1;
  return counts;
}

/** By views, then by path. */
function ranked(paths: readonly string[]): { path: string; views: number }[] {
  return Object.entries(tally(paths))
    .map(([path, views]) => ({ path, views }))
    .sort((a, b) => b.views - a.views || Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** How many rows there are, and how many paths are counted by their hashes. */
function sizes(database: Database.Database): { rows: number; counted: number } {
  const rows = database.prepare<[], number>("SELECT count(*) FROM site_day_paths").pluck();
  const counted = database.prepare<[], number>("SELECT paths FROM many_paths").pluck();
  return { rows: rows.get() ?? 0, counted: counted.get() ?? 0 };
}

test("the most viewed paths are those of a naive count, however few have rows", async () => {
  const name = fc.oneof(fc.nat(5), fc.nat(40), fc.nat(400));
  const path = fc.oneof(
    { weight: 9, arbitrary: name.map((number) => `/${number}`) },
    name.map((number) => `/"${number}\\`),
    name.map((number) => `/\u{1f4c8}${number}`),
    name.map((number) => `/\uffee${number}`),
  );
  const batches = fc.array(fc.array(path, { maxLength: 80, size: "max" }), { maxLength: 12, size: "max" });
  let withMany = 0;
  let withoutRow = 0;
  await fc.assert(
    fc.asyncProperty(batches, async (given) => {
      const { database, reader, add, close } = openModel(SMALL_SIZES);
      const all: string[] = [];
      for (const paths of given) {
        add(paths);
        all.push(...paths);
        for (let limit = 1; limit <= 3; limit += 1) {
          const stats = reader.stats({ siteId: "site", date: DATE, limit });
          expect(stats.totalViews).toBe(all.length);
          expect(stats.topPaths).toEqual(ranked(all).slice(0, limit));
        }
      }
      const { rows, counted } = sizes(database);
      if (counted > 0) {
        withMany += 1;
        expect(counted).toBe(new Set(all).size);
        expect(rows).toBeLessThan(4 * 3);
      }
      if (counted > rows) withoutRow += 1;
      await close();
    }),
    { numRuns: 60 },
  );
  expect(withMany).toBeGreaterThan(10);
  expect(withoutRow).toBeGreaterThan(3);
});

test("a hundred thousand paths are counted, of which a few thousand have rows", async () => {
  const { database, reader, add, close } = openModel();
  const path = (number: number) => `/${((number * 7919) % 100_003).toString(36)}`;
  for (let from = 0; from < 100_000; from += 10_000) {
    add(Array.from({ length: 10_000 }, (_, number) => path(from + number)));
  }
  const all = Array.from({ length: 100_000 }, (_, number) => path(number)).sort();
  const answer = () => reader.stats({ siteId: "site", date: DATE, limit: 1000 }).topPaths;
  expect(answer()).toEqual(all.slice(0, 1000).map((path) => ({ path, views: 1 })));
  expect(sizes(database)).toEqual({ rows: expect.any(Number), counted: 100_000 });
  expect(sizes(database).rows).toBeLessThan(3 * 1000);
  // Those of which nothing but a hash is known.
  const last = all.slice(-2000);
  add(last);
  expect(answer()).toEqual(last.slice(0, 1000).map((path) => ({ path, views: 2 })));
  await close();
});

test("days with some more paths than few are counted by hashes, sooner when these are long", async () => {
  const { database, reader, add, close } = openModel(PATH_SIZES_AHEAD);
  const paths = (from: number, to: number, length: number) =>
    Array.from({ length: to - from }, (_, number) => `/${from + number}/${"x".repeat(length)}`);
  add(paths(0, 2000, 10));
  expect(sizes(database)).toEqual({ rows: 0, counted: 0 });
  add(paths(2000, 2001, 10));
  expect(reader.stats({ siteId: "site", date: DATE, limit: 1000 }).topPaths.length).toBe(1000);
  // Longer than the list, with the ones before.
  add(paths(2001, 2600, 10));
  add([...paths(0, 1000, 10), ...paths(2600, 3200, 10)]);
  expect(sizes(database)).toEqual({ rows: 1000, counted: 3200 });
  add(Array<string>(3).fill("/another"));
  expect(sizes(database)).toEqual({ rows: 1001, counted: 3201 });
  const long = paths(3200, 4400, 2000);
  add([...long, ...long]);
  expect(sizes(database).rows).toBeLessThan(2000 + 300);
  await close();
});

test("a few hundred paths that are very long are counted by hashes", async () => {
  const { database, reader, add, close } = openModel();
  const paths = Array.from({ length: 300 }, (_, number) => `/${number}/${"x".repeat(2000)}`);
  add(paths);
  expect(sizes(database)).toEqual({ rows: 300, counted: 300 });
  add(["/another", ...paths]);
  const { topPaths } = reader.stats({ siteId: "site", date: DATE, limit: 1000 });
  expect(topPaths).toEqual(ranked(["/another", ...paths, ...paths]));
  await close();
});

test("however short they are, paths that are many do not stay beside a list of long ones", async () => {
  const { database, reader, add, close } = openModel(PATH_SIZES_AHEAD);
  const long = Array.from({ length: 400 }, (_, number) => `/${number}/${"x".repeat(250)}`);
  const short = Array.from({ length: 3000 }, (_, number) => `/${number}`);
  add(long);
  for (let from = 0; from < short.length; from += 300) add(short.slice(from, from + 300));
  expect(sizes(database).counted).toBeGreaterThan(2000);
  const { topPaths } = reader.stats({ siteId: "site", date: DATE, limit: 1000 });
  expect(topPaths).toEqual(ranked([...long, ...short]).slice(0, 1000));
  await close();
});

test("what is added to a list comes to it in time", async () => {
  const { database, reader, add, close } = openModel();
  const runs = database.prepare<[], number>("SELECT count(*) FROM few_paths").pluck();
  const all: string[] = [];
  let most = 0;
  for (let batch = 0; batch < 200; batch += 1) {
    const paths = Array.from({ length: 1 + (batch % 9) }, (_, number) => `/${(batch * 7 + number) % 500}`);
    add(paths);
    all.push(...paths);
    most = Math.max(most, runs.get() ?? 0);
  }
  expect(most).toBeGreaterThan(16);
  expect(most).toBeLessThanOrEqual(33);
  expect(reader.stats({ siteId: "site", date: DATE, limit: 1000 }).topPaths).toEqual(ranked(all));
  await close();
});

/** What makes the tables of paths those of an earlier version. */
const ROWS = `
  INSERT INTO site_day_paths SELECT site, day, paths.value, counts.value
  FROM few_paths, json_each(few_paths.paths) AS paths, json_each(few_paths.views) AS counts WHERE paths.key = counts.key;
  DROP TABLE few_paths;`;
const LISTED = `
  ALTER TABLE site_days ADD COLUMN floor INTEGER;
  ALTER TABLE site_day_paths ADD COLUMN listed INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX site_day_paths_ranked ON site_day_paths (site, day, views DESC, path) WHERE listed = 1;`;
const EARLIER = [
  ["8", "CREATE INDEX site_day_paths_ranked ON site_day_paths (site, day, views DESC, path) WHERE views > 1"],
  [
    "9, where many paths have a floor,",
    `${LISTED} UPDATE site_days SET floor = 1; UPDATE site_day_paths SET listed = 1 WHERE views > 1`,
  ],
  ["9, where few have none,", LISTED],
  ["10 or 11", ""],
] as const;

test.each(EARLIER)("a read model of version %s gives its most viewed paths", async (_version, tables) => {
  const { database, reader, add, close } = openModel();
  const all = ["/once", "/b", "/a", "/b", "/a", "/c", "/c", "/c", "/another"];
  add(all);
  database.exec(`${ROWS} ${tables}`);
  for (let limit = 1; limit <= 6; limit += 1) {
    const { topPaths } = reader.stats({ siteId: "site", date: DATE, limit });
    expect(topPaths).toEqual(ranked(all).slice(0, limit));
  }
  await close();
});
