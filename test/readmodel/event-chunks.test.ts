import fc from "fast-check";
import { expect, test } from "vitest";
import { unpack } from "../../src/columns/chunk.ts";
import { dayOfDate } from "../../src/ingest/timestamp.ts";
import { CHUNK_SIZES, type ChunkSizes } from "../../src/readmodel/chunks.ts";
import { textAt } from "../../src/readmodel/counted-texts.ts";
import { dayViews } from "../../src/readmodel/day-views.ts";
import { EventChunks } from "../../src/readmodel/event-chunks.ts";
import { ALL_TIME } from "../../src/readmodel/schema.ts";
import { type GivenEvent, logged } from "../projector/events.ts";

const SITE = 7;
const DAY = dayOfDate("2025-11-12T00:00:00Z");
const OF_NOBODY = { visitor: 0, session: 0, isNewUser: false, isNewOnDay: false };

function take(given: readonly GivenEvent[], sizes = CHUNK_SIZES) {
  const chunks = new EventChunks(SITE, sizes);
  for (const event of logged(given)) chunks.add(event, OF_NOBODY);
  return chunks.take();
}

/** The views of each day, with those of each path. */
function viewsOf(given: readonly GivenEvent[], sizes = CHUNK_SIZES) {
  return take(given, sizes).flatMap(({ packed }) =>
    dayViews(unpack(Buffer.from(packed))).map(({ day, views, paths }) => {
      const texts = [...paths.counts.keys()].map((place) => textAt(paths, place));
      return { day, views, paths: new Map(texts.map((text, place) => [text, paths.counts[place]])) };
    }),
  );
}

test("the day of a timestamp is its UTC day", () => {
  expect(dayOfDate("1970-01-01T23:59:59.999Z")).toBe(0);
  expect(dayOfDate("1969-12-31T00:00:00Z")).toBe(-1);
  expect(dayOfDate("2025-11-12T00:00:00Z")).toBe(Date.UTC(2025, 10, 12) / 86_400_000);
  expect(dayOfDate("0000-01-01T00:00:00Z")).toBeGreaterThan(ALL_TIME);
});

test("page views count as views, by path; other events do not", () => {
  const given = [{ path: "/b" }, { path: "/a" }, { path: "/a" }, { type: "click", path: "/" }];
  const views = {
    views: 3,
    paths: new Map([
      ["/b", 1],
      ["/a", 2],
    ]),
  };
  expect(viewsOf(given)).toEqual([
    { ...views, day: DAY },
    { ...views, day: ALL_TIME },
  ]);
});

test("events that are no views, and those of bots, add nothing to the views", () => {
  expect(
    viewsOf([
      { type: "click", path: "/a" },
      { path: "/a", more: { isBot: true } },
    ]),
  ).toEqual([]);
});

test("a view without a path counts among the views only", () => {
  expect(viewsOf([{}, { path: "/" }])[0]).toEqual({ day: DAY, views: 2, paths: new Map([["/", 1]]) });
  expect(viewsOf([{}])[0]).toEqual({ day: DAY, views: 1, paths: new Map() });
});

test("each day has its own views, and all time those of all days", () => {
  const views = viewsOf([
    { path: "/a", at: "2025-11-12T23:59:59Z" },
    { path: "/a", at: "2025-11-13T00:00:00Z" },
    { path: "/b", at: "2025-11-12T00:00:00Z" },
  ]);
  expect(views).toEqual([
    {
      day: DAY,
      views: 2,
      paths: new Map([
        ["/a", 1],
        ["/b", 1],
      ]),
    },
    { day: DAY + 1, views: 1, paths: new Map([["/a", 1]]) },
    {
      day: ALL_TIME,
      views: 3,
      paths: new Map([
        ["/a", 2],
        ["/b", 1],
      ]),
    },
  ]);
});

test("what was taken is not taken again", () => {
  const chunks = new EventChunks(SITE, CHUNK_SIZES);
  for (const event of logged([{ path: "/a" }])) chunks.add(event, OF_NOBODY);
  expect(chunks.take()).toHaveLength(1);
  expect(chunks.take()).toEqual([]);
});

test("views are what they are when counted one by one, in however many chunks", () => {
  const events = fc.record({
    type: fc.constantFrom("page_view", "page_view", "click"),
    path: fc.constantFrom(
      "",
      "/",
      '/"quoted"',
      "/ü",
      "/\u{1f600}",
      "/a",
      "/b",
      "/__proto__",
      "__proto__",
      "7",
    ),
    more: fc.record({ isBot: fc.boolean() }),
    at: fc.constantFrom("2025-11-12T23:59:59Z", "2025-11-13T00:00:00Z", "1969-12-31T23:59:59.999Z"),
  });
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), fc.integer({ min: 1, max: 12 }), (given, most) => {
      const sizes: ChunkSizes = { ...CHUNK_SIZES, most };
      const chunks = take(given, sizes);
      expect(chunks.map(({ rows }) => rows).reduce((sum, rows) => sum + rows, 0)).toBe(given.length);
      const expected = new Map<string, number>();
      const count = (key: string, by: number) => expected.set(key, (expected.get(key) ?? 0) + by);
      for (const { type, path, more, at } of given) {
        if (type !== "page_view" || more.isBot) continue;
        for (const day of [dayOfDate(at), ALL_TIME]) {
          count(JSON.stringify([day]), 1);
          if (path !== "") count(JSON.stringify([day, path]), 1);
        }
      }
      for (const { day, views, paths } of viewsOf(given, sizes)) {
        count(JSON.stringify([day]), -views);
        for (const [path, views = 0] of paths) count(JSON.stringify([day, path]), -views);
      }
      expect([...expected.values()].every((left) => left === 0)).toBe(true);
    }),
  );
});
