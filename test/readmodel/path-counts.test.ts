import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { LIST_SIZES, PathCounts } from "../../src/readmodel/path-counts.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const SITE = 1;
const DAY = 20_000;
const DATE = "2024-10-04";

/** A read model with a site that has no events. */
function openModel(sizes = LIST_SIZES) {
  const directory = temporaryDirectory();
  const path = generationPath(directory, 1);
  const writer = new ReadModelWriter(path, { dedupeWindowMs: 1000 });
  writer.apply(batch([{ site: "site", type: "click" }]), after(1));
  publishGeneration(directory, 1);
  const database = new Database(path);
  const counts = new PathCounts(database, sizes);
  const reader = new ReadModelReader(directory);
  const add = (paths: readonly string[]) =>
    counts.add({ site: SITE, day: DAY, views: paths.length, paths: JSON.stringify(tally(paths)) });
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
    .sort((a, b) => b.views - a.views || (a.path < b.path ? -1 : 1));
}

test("the most viewed paths are those of a naive count, however few are listed", async () => {
  const path = fc.oneof(fc.nat(5), fc.nat(40), fc.nat(400)).map((number) => `/${number}`);
  const batches = fc.array(fc.array(path, { maxLength: 60, size: "max" }), { maxLength: 12, size: "max" });
  let withFloor = 0;
  let unlisted = 0;
  await fc.assert(
    fc.asyncProperty(batches, async (given) => {
      const { database, reader, add, close } = openModel({ few: 8, fewBytes: 1000, most: 5 });
      const all: string[] = [];
      for (const paths of given) {
        add(paths);
        all.push(...paths);
        for (let limit = 1; limit <= 5; limit += 1) {
          const stats = reader.stats({ siteId: "site", date: DATE, limit });
          expect(stats.totalViews).toBe(all.length);
          expect(stats.topPaths).toEqual(ranked(all).slice(0, limit));
        }
      }
      const floor = database
        .prepare<[], number | null>("SELECT floor FROM site_days WHERE day = 20000")
        .pluck()
        .get();
      if (typeof floor === "number") withFloor += 1;
      const count = database
        .prepare<[], number>("SELECT count(*) FROM site_day_paths WHERE views > 1 AND listed = 0")
        .pluck();
      if (typeof floor === "number" && (count.get() ?? 0) > 0) unlisted += 1;
      await close();
    }),
    { numRuns: 40 },
  );
  expect(withFloor).toBeGreaterThan(10);
  expect(unlisted).toBeGreaterThan(3);
});

test("of the paths of a day, none are listed while they are few, and a share of them when they are many", async () => {
  const { database, add, close } = openModel();
  const listed = database.prepare<[], number>("SELECT count(*) FROM site_day_paths WHERE listed = 1").pluck();
  const paths = (count: number) => Array.from({ length: count }, (_, number) => `/${number}`);
  for (let times = 0; times < 3; times += 1) add(paths(4096));
  expect(listed.get()).toBe(0);
  add(paths(8192));
  // All those that were seen more than once; the others are seen a second time then, and a third time.
  expect(listed.get()).toBe(4096);
  add(paths(8192));
  expect(listed.get()).toBe(8192);
  for (let times = 0; times < 5; times += 1) add(paths(1000));
  add(paths(8192));
  expect(listed.get()).toBe(1000);
  await close();
});

test("paths of many bytes are not few", async () => {
  const { database, add, close } = openModel();
  const floor = database.prepare<[], number | null>("SELECT floor FROM site_days WHERE day = 20000").pluck();
  const long = Array.from({ length: 300 }, (_, number) => `/${number}/${"x".repeat(2000)}`);
  add(long);
  add(Array<string>(4096 - 301).fill("/short"));
  expect(floor.get()).toBe(null);
  add(["/short"]);
  expect(floor.get()).toBe(1);
  await close();
});

test("a read model of version 8 gives its most viewed paths", async () => {
  const { database, reader, add, close } = openModel();
  add(["/once", "/b", "/a", "/b", "/a", "/c", "/c", "/c"]);
  database.exec(`
    DROP INDEX site_day_paths_ranked;
    ALTER TABLE site_days DROP COLUMN floor;
    ALTER TABLE site_day_paths DROP COLUMN listed;
    CREATE INDEX site_day_paths_ranked ON site_day_paths (site, day, views DESC, path) WHERE views > 1`);
  const { topPaths } = reader.stats({ siteId: "site", date: DATE, limit: 10 });
  expect(topPaths.map(({ path }) => path)).toEqual(["/c", "/a", "/b", "/once"]);
  await close();
});
