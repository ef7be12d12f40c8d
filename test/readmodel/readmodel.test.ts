import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { replyTo } from "../../src/query/reply.ts";
import { StoredEvents } from "../../src/query/stored-events.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import { KNOWN } from "../../src/readmodel/folder.ts";
import { generationPath, publishGeneration, removeGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { ReadModelWriter, UnusableReadModel } from "../../src/readmodel/writer.ts";
import { chunkRows, topPaths } from "../columns/stored-rows.ts";
import { after, batch, type GivenDetails, type GivenEvent } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";
import { rememberedTimes } from "./remembered.ts";

const WINDOW_MS = 1000;

/** Next to nothing is remembered from one batch to the next. */
const FORGETFUL = { visitors: 2, dayPages: 4, places: 2 };

function openModel(directory = temporaryDirectory(), known = KNOWN) {
  const settings = { dedupeWindowMs: WINDOW_MS };
  const writer = new ReadModelWriter(generationPath(directory, 1), settings, CHUNK_SIZES, known);
  publishGeneration(directory, 1);
  return { directory, writer, reader: new ReadModelReader(directory) };
}

/** Applies `given`, from the offset `first` on, in batches that end at the offsets `cuts`, and at the end. */
function applyInBatches(
  writer: ReadModelWriter,
  given: readonly GivenEvent[],
  cuts: readonly number[] = [],
  first = 0,
): void {
  const ends = [...new Set([...cuts.filter((cut) => cut < given.length), given.length])].sort(
    (a, b) => a - b,
  );
  let start = first;
  for (const end of ends) {
    if (end <= start) continue;
    writer.apply(batch(given.slice(start, end), start), after(end));
    start = end;
  }
}

test("before a projection exists, and for a site that was never seen, all numbers are zero", () => {
  const nothing = { totalViews: 0, uniqueUsers: 0, topPaths: [] };
  const query = { siteId: "site", date: null, limit: 10 };
  expect(new ReadModelReader(temporaryDirectory()).stats(query)).toEqual(nothing);
  expect(openModel().reader.stats(query)).toEqual(nothing);
});

test("statistics are those of the day asked for, or of all time", () => {
  const { writer, reader } = openModel();
  applyInBatches(writer, [
    { path: "/b", user: "u1", at: "2025-11-12T10:00:00Z" },
    { path: "/a", user: "u1", at: "2025-11-12T11:00:00Z" },
    { path: "/a", user: "u1", at: "2025-11-13T10:00:00Z" },
    { path: "/a", user: "u2", at: "2025-11-13T10:00:00Z" },
  ]);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 })).toEqual({
    totalViews: 4,
    uniqueUsers: 2,
    topPaths: [
      { path: "/a", views: 3 },
      { path: "/b", views: 1 },
    ],
  });
  expect(reader.stats({ siteId: "site", date: "2025-11-12", limit: 1 })).toEqual({
    totalViews: 2,
    uniqueUsers: 1,
    topPaths: [{ path: "/a", views: 1 }],
  });
  expect(reader.stats({ siteId: "site", date: "2025-11-14", limit: 1 }).totalViews).toBe(0);
});

test("top paths come by views, then by path, however many are asked for and however often they were seen", () => {
  const { writer, reader } = openModel();
  const seen = { "/3 c": 3, '/"quoted"': 2, "/back\\slash": 2, "/z": 2, "/é": 1, "/a": 1, "/b": 1, "7 /": 1 };
  const views = Object.entries(seen).flatMap(([path, count]) => Array<GivenEvent>(count).fill({ path }));
  // From the last to the first, so that ones seen once come before those seen often.
  applyInBatches(writer, views.reverse(), [4]);
  const ranked = ["/3 c", '/"quoted"', "/back\\slash", "/z", "/a", "/b", "/é", "7 /"];
  for (let limit = 1; limit <= ranked.length + 1; limit += 1) {
    const { topPaths } = reader.stats({ siteId: "site", date: null, limit });
    expect(topPaths.map(({ path }) => path)).toEqual(ranked.slice(0, limit));
    for (const { path, views } of topPaths) expect(views).toBe(new Map(Object.entries(seen)).get(path));
  }
});

test("the events table has the given columns, with the offset plus one as id", () => {
  const { directory, writer } = openModel();
  applyInBatches(writer, [{ path: "/a", user: "u" }, { type: "click" }]);
  const database = new Database(join(directory, "analytics.db"), { readonly: true });
  const event = { id: 1, site_id: "site", event_type: "page_view", path: "/a", user_id: "u" };
  expect(database.prepare("SELECT * FROM events ORDER BY id").all()).toEqual([
    { ...event, timestamp: "2025-11-12T19:30:01Z" },
    { ...event, id: 2, event_type: "click", path: null, user_id: null, timestamp: "2025-11-12T19:30:01Z" },
  ]);
  database.close();
});

test("a client's event id counts once within the window, and again when the window has passed", () => {
  const { writer, reader } = openModel();
  applyInBatches(writer, [
    { id: "x", receivedAtMs: 10_000 },
    { id: "x", receivedAtMs: 10_000 + WINDOW_MS - 1 },
    { id: "x", receivedAtMs: 10_000 + WINDOW_MS },
    { id: "x", receivedAtMs: 10_000 + WINDOW_MS + 1 },
  ]);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(2);
});

test("of several events of a site with one client id the first counts, even when the content differs", () => {
  const { writer, reader } = openModel();
  applyInBatches(writer, [
    { id: "x", path: "/first" },
    { id: "x", path: "/second" },
    { id: "x", path: "/other-site", site: "other" },
    { path: "/without-id" },
    { path: "/without-id" },
  ]);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).topPaths).toEqual([
    { path: "/without-id", views: 2 },
    { path: "/first", views: 1 },
  ]);
  expect(reader.stats({ siteId: "other", date: null, limit: 10 }).totalViews).toBe(1);
});

test("a batch that is applied twice is refused and changes nothing", () => {
  const { writer, reader } = openModel();
  applyInBatches(writer, [{}, {}]);
  expect(() => writer.apply(batch([{}, {}]), after(2))).toThrow("a second projector");
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(2);
  expect(reader.checkpoint()).toEqual(after(2));
});

test("a database of other settings, or one that is none, is not gone on with", () => {
  const { directory, writer } = openModel();
  writer.close();
  const open = () => new ReadModelWriter(generationPath(directory, 1), { dedupeWindowMs: 7 });
  expect(open).toThrow(UnusableReadModel);
});

test("the numbers can be read when the projector is not running", () => {
  const { writer, reader } = openModel();
  applyInBatches(writer, [{ path: "/a" }]);
  writer.close();
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(1);
});

test("readers go over to a new generation when the link is switched", () => {
  const { directory, writer, reader } = openModel();
  applyInBatches(writer, [{}]);
  expect(reader.checkpoint()?.nextOffset).toBe(1);
  const second = new ReadModelWriter(generationPath(directory, 2), { dedupeWindowMs: WINDOW_MS });
  applyInBatches(second, [{}, {}, {}]);
  expect(reader.checkpoint()?.nextOffset).toBe(1);
  publishGeneration(directory, 2);
  expect(reader.checkpoint()?.nextOffset).toBe(3);
});

test("readers go over to a database that was made anew with the same number", () => {
  const directory = temporaryDirectory();
  const { writer, reader } = openModel(directory);
  applyInBatches(writer, [{}]);
  expect(reader.checkpoint()?.nextOffset).toBe(1);
  writer.close();
  removeGeneration(directory, 1);
  const anew = openModel(directory);
  applyInBatches(anew.writer, [{}, {}]);
  expect(reader.checkpoint()?.nextOffset).toBe(2);
});

test.for([
  { size: "small", maxLength: 40, ids: 4, numRuns: 60, endOnFailure: false },
  // Rows are inserted many at a time; to make a counterexample of this size smaller would take minutes.
  { size: "large", maxLength: 400, ids: 300, numRuns: 15, endOnFailure: true },
])(
  "however $size batches are split, all tables are the same, and the numbers are those of a naive count",
  ({ maxLength, ids, numRuns, endOnFailure }) => {
    const name = (prefix: string, count: number) => fc.nat(count).map((n) => `${prefix}${n}`);
    const given = fc.record({
      site: name("site-", 2),
      type: fc.constantFrom("page_view", "page_view", "click"),
      path: fc.option(name("/", 3), { nil: "" }),
      user: fc.option(name("user-", 3), { nil: "" }),
      at: fc.constantFrom(
        ...["2025-11-12T19:30:01Z", "2025-11-12T20:00:01Z", "2025-11-12T20:00:00.999Z"],
        ...["2025-11-12T20:10:00Z", "2025-11-13T00:00:00.5Z", "1969-12-31T23:59:59Z"],
        ...["2025-11-12T23:40:00Z", "2025-11-13T00:09:00Z", "2025-11-13T00:38:00Z", "2025-11-14T00:00:00Z"],
      ),
      more: fc.option(
        fc.record(
          { visitor: name("hash", 2), isBot: fc.boolean(), title: name("", 3) },
          { requiredKeys: [] },
        ),
        { nil: undefined },
      ),
      id: fc.option(name("id-", ids), { nil: undefined }),
      gap: fc.nat(Math.ceil(24_000 / maxLength)),
      isPoison: fc.nat(30).map((n) => n === 1),
    });
    // Sites once got their numbers in another order when an event with an id followed one without in the same batch.
    const plain = {
      site: "site-1",
      type: "page_view",
      path: "",
      user: "",
      at: "2025-11-12T19:30:01Z",
      id: undefined,
      more: undefined,
      gap: 0,
      isPoison: false,
    };
    const events = fc.array(given, { maxLength, size: "max" });
    fc.assert(fc.property(events, fc.array(fc.nat(maxLength), { maxLength: 40 }), expectSameHoweverSplit), {
      numRuns,
      endOnFailure,
      examples: [[[plain, { ...plain, site: "site-0", id: "id-0" }], [1]]],
    });
  },
);

function expectSameHoweverSplit(
  items: readonly (Omit<GivenEvent, "id" | "more"> & {
    id: string | undefined;
    more: GivenDetails | undefined;
    gap: number;
  })[],
  cuts: readonly number[],
): void {
  let receivedAtMs = 0;
  const events = items.map(({ gap, id, more, ...rest }) => {
    receivedAtMs += gap;
    return { ...rest, ...(id !== undefined && { id }), ...(more && { more }), receivedAtMs };
  });
  const whole = openModel();
  const split = openModel();
  const directory = temporaryDirectory();
  const beforeRestart = openModel(directory, FORGETFUL);
  applyInBatches(whole.writer, events);
  applyInBatches(split.writer, events, cuts);
  const restart = Math.min(cuts[0] ?? 0, events.length);
  applyInBatches(beforeRestart.writer, events.slice(0, restart), cuts);
  beforeRestart.writer.close();
  beforeRestart.reader.close();
  const forgetful = openModel(directory, FORGETFUL);
  applyInBatches(forgetful.writer, events, cuts, restart);
  const all = dump(whole.directory, receivedAtMs - WINDOW_MS);
  expect(dump(split.directory, receivedAtMs - WINDOW_MS)).toEqual(all);
  expect(dump(forgetful.directory, receivedAtMs - WINDOW_MS)).toEqual(all);
  const dates = new Set(events.map(({ at }) => at?.slice(0, 10) ?? null));
  for (const siteId of ["site-0", "site-1", "site-2"]) {
    for (const date of [null, ...dates]) {
      const stats = split.reader.stats({ siteId, date, limit: 1000 });
      expect(stats).toEqual(naiveStats(events, siteId, date));
    }
  }
  for (const model of [whole, split, forgetful]) {
    model.reader.close();
    model.writer.close();
  }
}

/** What a model has, of the ids those that were received after `afterMs`. */
function dump(directory: string, afterMs: number): unknown {
  const database = new Database(join(directory, "analytics.db"), { readonly: true });
  const tables = [
    ...["projection", "events", "sites", "site_days"],
    ...["visitors", "sessions", "session_aliases", "goals", "dead_letters"],
  ];
  const rows = tables.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  const inChunks = chunkRows(database);
  const paths = topPaths(database);
  const ids = rememberedTimes(database, afterMs);
  database.close();
  return [rows, inChunks, paths, ids];
}

function naiveStats(
  events: readonly (GivenEvent & { receivedAtMs: number })[],
  siteId: string,
  date: string | null,
) {
  const firstSeen = new Map<string, number>();
  const counted = events.filter(({ site, id, receivedAtMs, isPoison }) => {
    if (site !== siteId || isPoison) return false;
    if (id === undefined) return true;
    const first = firstSeen.get(id);
    if (first !== undefined && receivedAtMs - first < WINDOW_MS) return false;
    firstSeen.set(id, receivedAtMs);
    return true;
  });
  const people = counted.filter(({ more, at }) => !more?.isBot && (date === null || at?.startsWith(date)));
  const views = people.filter(({ type }) => type === "page_view");
  const paths = [...new Set(views.map(({ path }) => path ?? ""))].filter((path) => path !== "");
  return {
    totalViews: views.length,
    uniqueUsers: new Set(people.map(({ user }) => user).filter((user) => user !== "")).size,
    topPaths: paths
      .map((path) => ({ path, views: views.filter((view) => view.path === path).length }))
      .sort((a, b) => b.views - a.views || (a.path < b.path ? -1 : 1)),
  };
}

test("while a generation of an earlier version is all there is, day statistics are answered, and others say why not", () => {
  const { directory, writer, reader } = openModel();
  applyInBatches(writer, [{ path: "/a", user: "u1" }]);
  writer.close();
  const database = new Database(generationPath(directory, 1));
  // What version 4 did not have.
  for (const table of ["goals", "visitors", "sessions", "chunks", "chunk_columns"]) {
    database.exec(`DROP TABLE ${table}`);
  }
  for (const column of ["name", "time_zone", "visitors", "sessions"]) {
    database.exec(`ALTER TABLE sites DROP COLUMN ${column}`);
  }
  database.close();
  expect(reader.stats({ siteId: "site", date: null, limit: 10 })).toMatchObject({ totalViews: 1 });
  expect(() => reader.site("site")).toThrow("no such");
  const request = toBinary(
    QueryStatsRequestSchema,
    create(QueryStatsRequestSchema, { siteId: "site", metrics: ["events"] }),
  );
  const task = { request, nowMs: 0, deadlineMs: Number.POSITIVE_INFINITY };
  expect(replyTo(task, new StoredEvents(directory, 0))).toEqual({
    kind: "unreadable",
    reason: "the statistics are being made anew for this version of Footfall: ask again later",
  });
});
