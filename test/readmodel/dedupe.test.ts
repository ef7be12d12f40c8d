import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ChangesWriter } from "../../src/readmodel/changes-writer.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import { Folder, KNOWN } from "../../src/readmodel/folder.ts";
import { generationPath } from "../../src/readmodel/generations.ts";
import { FULL_IDS } from "../../src/readmodel/id-runs.ts";
import { PATH_SIZES } from "../../src/readmodel/path-counts.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { CUT_TABLES, chunkRows, topPaths } from "../columns/stored-rows.ts";
import {
  after,
  batch,
  type GivenEvent,
  type LoggedWithTimestamp,
  logged,
  partOf,
} from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";
import { hashesOf, rememberedByHash } from "./remembered.ts";

const WINDOW_MS = 1000;
/** Any time of receipt. */
const T = 1_700_000_000_000;

interface Remembered {
  readonly site: string;
  readonly id: string;
  readonly receivedAtMs: number;
}

/** A fold of its own. Each batch is written when the next one is folded, as when another thread writes. */
function openDedupe() {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  const sizes = CHUNK_SIZES;
  const folder = new Folder(database, { dedupeWindowMs: WINDOW_MS, sizes, known: KNOWN });
  const writer = new ChangesWriter(database, sizes, PATH_SIZES, FULL_IDS);
  let write = () => {};
  return {
    /** The offsets of those of a batch that count. */
    fold(events: readonly LoggedWithTimestamp[]): number[] {
      const counted: number[] = [];
      const changes = folder.fold([partOf(events)], ({ ids }) => counted.push(...ids));
      write();
      folder.trim();
      write = () => writer.write(changes);
      return counted.map((id) => id - 1);
    },
    /** When which of the ids of `events`, of which the last one is the latest, were received. */
    remembered(events: readonly Received[]): Remembered[] {
      write();
      write = () => {};
      return rememberedIn(database, events);
    },
    close: () => database.close(),
  };
}

/** Of the ids of `events` those that were received within the window, by site and id. Expects that there are no others. */
function rememberedIn(database: Database.Database, events: readonly Received[]): Remembered[] {
  const nowMs = events.at(-1)?.receivedAtMs ?? 0;
  const byHash = rememberedByHash(database);
  for (const [hash, receivedAtMs] of byHash) if (nowMs - receivedAtMs >= WINDOW_MS) byHash.delete(hash);
  const hash = hashesOf(database);
  const number = database.prepare<[string], number>("SELECT id FROM sites WHERE site_id = ?").pluck();
  const remembered = new Map<string, Remembered>();
  for (const { site, id } of events) {
    const ofId = id === undefined ? "" : hash(number.get(site) ?? 0, id);
    const receivedAtMs = byHash.get(ofId);
    if (id !== undefined && receivedAtMs !== undefined) remembered.set(ofId, { site, id, receivedAtMs });
  }
  expect(remembered.size).toBe(byHash.size);
  return [...remembered.values()].sort(bySiteAndId);
}

function bySiteAndId(a: Remembered, b: Remembered): number {
  return a.site === b.site ? compare(a.id, b.id) : compare(a.site, b.site);
}

/** Folds `given` as one batch; the offsets of those that count, and what is remembered afterwards. */
function foldAtOnce(given: readonly (GivenEvent & { readonly receivedAtMs: number })[]) {
  const events = given.map((one) => ({ site: "site-0", ...one }));
  const dedupe = openDedupe();
  const counted = dedupe.fold(logged(events));
  const remembered = dedupe.remembered(events);
  dedupe.close();
  return { counted, remembered };
}

test("an id counts again exactly when the window has passed since the receipt of the one that counted", () => {
  for (const [ageMs, counted] of [
    [0, [0]],
    [WINDOW_MS - 1, [0]],
    [WINDOW_MS, [0, 1]],
    [WINDOW_MS + 1, [0, 1]],
  ] as const) {
    const given = [T, T + ageMs].map((receivedAtMs) => ({ id: "x", receivedAtMs }));
    expect(foldAtOnce(given).counted, `after ${ageMs} ms`).toEqual(counted);
  }
});

test("a duplicate does not begin the window anew", () => {
  const times = [T, T + WINDOW_MS - 1, T + WINDOW_MS, T + 2 * WINDOW_MS - 1, T + 2 * WINDOW_MS];
  const { counted } = foldAtOnce(times.map((receivedAtMs) => ({ id: "x", receivedAtMs })));
  expect(counted).toEqual([0, 2, 4]);
});

test("an entry is gone after the fold of the event with which its window has passed, with or without an id", () => {
  for (const [ageMs, isRemembered] of [
    [WINDOW_MS - 1, true],
    [WINDOW_MS, false],
    [WINDOW_MS + 1, false],
  ] as const) {
    const { remembered } = foldAtOnce([{ id: "x", receivedAtMs: T }, { receivedAtMs: T + ageMs }]);
    const entry = { site: "site-0", id: "x", receivedAtMs: T };
    expect(remembered, `after ${ageMs} ms`).toEqual(isRemembered ? [entry] : []);
  }
});

test("of two events with one id the first in log order counts, whatever else they say", () => {
  const first = { id: "x", receivedAtMs: T, path: "/a", user: "u", at: "2025-11-12T19:30:01Z" };
  const other = {
    id: "x",
    receivedAtMs: T,
    type: "click",
    path: "/b",
    user: "v",
    at: "2024-01-01T00:00:00Z",
  };
  expect(foldAtOnce([first, other]).counted).toEqual([0]);
  expect(foldAtOnce([other, first]).counted).toEqual([0]);
});

test("one id on two sites counts twice", () => {
  const sites = ["site-0", "site-1", "site-0", "site-1"];
  const { counted } = foldAtOnce(sites.map((site) => ({ site, id: "x", receivedAtMs: T })));
  expect(counted).toEqual([0, 1]);
});

test("ids are the same only when all of their characters are", () => {
  const uuid = "0198c0de-0000-7000-8000-0123456789ab";
  const ofUuid = [uuid, uuid.toUpperCase(), uuid.replaceAll("-", ""), `${uuid} `, `{${uuid}}`];
  const ids = ["x", "X", "x ", " x", "0 x", "é", "e\u0301", "1", "01", "1.0", ...ofUuid];
  const { counted } = foldAtOnce(ids.map((id) => ({ id, receivedAtMs: T })));
  expect(counted).toEqual([...ids.keys()]);
});

test("events without a client's id all count, and leave nothing behind", () => {
  const { counted, remembered } = foldAtOnce(Array.from({ length: 3 }, () => ({ receivedAtMs: T })));
  expect({ counted, remembered }).toEqual({ counted: [0, 1, 2], remembered: [] });
});

/** Between two events, in ms: nothing, or what makes or just misses a window. */
const gaps = (weightOfNone: number) =>
  fc.oneof(
    { weight: weightOfNone, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constantFrom(1, WINDOW_MS / 2 - 1, WINDOW_MS / 2, WINDOW_MS / 2 + 1) },
    { weight: 1, arbitrary: fc.constantFrom(WINDOW_MS - 1, WINDOW_MS, WINDOW_MS + 1) },
  );

/** The number of the id of the event at an index; undefined when it has none. */
type IdNumber = (index: number) => number | undefined;
const without: fc.Arbitrary<IdNumber> = fc.constant(() => undefined);
const oneOfFew: fc.Arbitrary<IdNumber> = fc.nat(3).map((number) => () => number);
const newOne: fc.Arbitrary<IdNumber> = fc.constant((index) => index);
/** From the same batch, or from one before it. */
const earlierOne: fc.Arbitrary<IdNumber> = fc
  .integer({ min: 1, max: 100 })
  .map((back) => (index) => Math.max(0, index - back));
const FEW = {
  id: fc.oneof({ weight: 1, arbitrary: without }, { weight: 4, arbitrary: oneOfFew }),
  gap: gaps(6),
};
/** Many different ids in a row, some of which are known already. */
const MANY = {
  id: fc.oneof(
    { weight: 1, arbitrary: without },
    { weight: 1, arbitrary: earlierOne },
    { weight: 40, arbitrary: newOne },
  ),
  gap: gaps(400),
};

/** Events in log order, and the offsets where batches end. */
function logs(maxLength: number, idsAndGaps: typeof FEW) {
  const one = fc.record({ site: fc.constantFrom("site-0", "site-0", "site-1", "site-2"), ...idsAndGaps });
  const cuts = fc.array(fc.nat(maxLength), { maxLength: 12 });
  return { events: fc.array(one, { minLength: 1, maxLength, size: "max" }).map(received), cuts };
}

type Received = GivenEvent & { readonly site: string; readonly receivedAtMs: number };

function received(given: readonly { site: string; id: IdNumber; gap: number }[]): readonly Received[] {
  let receivedAtMs = T;
  return given.map(({ site, id, gap }, index) => {
    receivedAtMs += gap;
    const number = id(index);
    return { site, path: `/${index}`, ...(number !== undefined && { id: idOf(number) }), receivedAtMs };
  });
}

/** Some as most are, others in all that could be taken for one of these, or that JSON writes otherwise. */
function idOf(number: number): string {
  const uuid = `0198c0de-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
  const ids = [uuid, uuid, uuid.toUpperCase(), uuid.replaceAll("-", ""), `"id\\${number}"`, `ïd ${number}`];
  return ids[number % ids.length] ?? "";
}

/** The batches that end at `cuts`, and at the end, each with the offset of its first event. */
function batches(events: readonly Received[], cuts: readonly number[]): LoggedWithTimestamp[][] {
  const inside = cuts.filter((cut) => cut > 0 && cut < events.length);
  const ends = [...new Set([...inside, events.length])].sort((a, b) => a - b);
  return ends.map((end, index) => {
    const start = ends[index - 1] ?? 0;
    return logged(events.slice(start, end), start);
  });
}

/** The rule, word for word: an event counts unless one with its site and id did, less than a window ago. */
function oracle(events: readonly Received[]): { counted: number[]; remembered: Remembered[] } {
  const counted: number[] = [];
  const isRecent = (past: Received | undefined, nowMs: number) =>
    past !== undefined && nowMs - past.receivedAtMs < WINDOW_MS;
  for (const [offset, { site, id, receivedAtMs }] of events.entries()) {
    const isDuplicate = counted.some((earlier) => {
      const past = events[earlier];
      return id !== undefined && past?.id === id && past.site === site && isRecent(past, receivedAtMs);
    });
    if (!isDuplicate) counted.push(offset);
  }
  const nowMs = events.at(-1)?.receivedAtMs ?? 0;
  const remembered = counted
    .map((offset) => events[offset])
    .filter((past) => past !== undefined)
    .flatMap(({ site, id, receivedAtMs }) => (id === undefined ? [] : [{ site, id, receivedAtMs }]))
    .filter(({ receivedAtMs }) => nowMs - receivedAtMs < WINDOW_MS)
    .sort(bySiteAndId);
  return { counted, remembered };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

test.for([
  { what: "few ids", maxLength: 60, kind: FEW, numRuns: 300, endOnFailure: false },
  // To make a counterexample of this size smaller would take a minute.
  { what: "many ids", maxLength: 300, kind: MANY, numRuns: 100, endOnFailure: true },
])(
  "after every batch, however they are split, what counted and what is remembered is what the rule says: $what",
  ({ maxLength, kind, numRuns, endOnFailure }) => {
    const { events, cuts } = logs(maxLength, kind);
    fc.assert(
      fc.property(events, cuts, (events, cuts) => {
        const dedupe = openDedupe();
        const counted: number[] = [];
        for (const one of batches(events, cuts)) {
          counted.push(...dedupe.fold(one));
          const folded = events.slice(0, (one.at(-1)?.offset ?? 0) + 1);
          expect(counted).toEqual(oracle(folded).counted);
          // Not each time: it is written then.
          if (one.length % 2 === 1) expect(dedupe.remembered(folded)).toEqual(oracle(folded).remembered);
        }
        dedupe.close();
      }),
      { numRuns, endOnFailure },
    );
  },
);

test("a fold that restarts between batches, and a rebuild in other batches, give the tables of one in one go", () => {
  const directory = temporaryDirectory();
  let generation = 0;
  const open = () =>
    new ReadModelWriter(generationPath(directory, generation), { dedupeWindowMs: WINDOW_MS });
  const build = (events: readonly Received[], cuts: readonly number[], isRestarted: boolean): Dump => {
    generation += 1;
    let writer = open();
    for (const part of batches(events, cuts)) {
      const [first, last] = [part[0]?.offset ?? 0, part.at(-1)?.offset ?? 0];
      writer.apply({ firstOffset: first, parts: halves(part).map(partOf) }, after(last + 1));
      if (!isRestarted) continue;
      writer.close();
      writer = open();
    }
    writer.close();
    return dump(generationPath(directory, generation), events);
  };
  const { events, cuts } = logs(150, MANY);
  fc.assert(
    fc.property(events, cuts, cuts, (events, cuts, otherCuts) => {
      const atOnce = build(events, [], false);
      expect(build(events, cuts, true)).toEqual(atOnce);
      expect(build(events, otherCuts, false)).toEqual(atOnce);
      const { counted, remembered } = oracle(events);
      expect(atOnce).toMatchObject({ counted, remembered });
    }),
    // To make a counterexample smaller would take a minute.
    { numRuns: 15, endOnFailure: true },
  );
});

/** As a batch comes in parts, which must not matter either. */
function halves<T>(items: readonly T[]): T[][] {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}

interface Dump {
  /** The offsets of the events that are there. */
  readonly counted: number[];
  readonly remembered: Remembered[];
  /** All rows of all tables. */
  readonly tables: unknown[];
}

function dump(path: string, events: readonly Received[]): Dump {
  const database = new Database(path, { readonly: true });
  const names = database
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .pluck()
    .all()
    .filter((name) => !CUT_TABLES.includes(name));
  const asRead = [chunkRows(database), topPaths(database)];
  const tables = names.map((name) => database.prepare(`SELECT '${name}', * FROM ${name}`).all());
  const remembered = rememberedIn(database, events);
  database.close();
  return { counted: countedIn(path), remembered, tables: [...tables, ...asRead] };
}

/** The offsets of the events that are there. */
function countedIn(path: string): number[] {
  const database = new Database(path, { readonly: true });
  const counted = database.prepare<[], number>("SELECT id - 1 FROM events ORDER BY id").pluck().all();
  database.close();
  return counted;
}

test("an event that becomes a dead letter is not remembered: its retry counts", () => {
  const directory = temporaryDirectory();
  const writer = new ReadModelWriter(generationPath(directory, 1), { dedupeWindowMs: WINDOW_MS });
  onTestFinished(() => writer.close());
  const poison = { id: "x", at: "no time at all", receivedAtMs: T };
  expect(writer.apply(batch([poison, { id: "x", receivedAtMs: T }]), after(2))).toHaveLength(1);
  expect(countedIn(generationPath(directory, 1))).toEqual([1]);
});

test("a batch that is rolled back remembers nothing", () => {
  const directory = temporaryDirectory();
  const writer = new ReadModelWriter(generationPath(directory, 1), { dedupeWindowMs: WINDOW_MS });
  onTestFinished(() => writer.close());
  const given = [{ id: "x", receivedAtMs: T }];
  expect(() => writer.apply(batch(given, 7), after(8))).toThrow("a second projector");
  writer.apply(batch(given), after(1));
  expect(countedIn(generationPath(directory, 1))).toEqual([0]);
});
