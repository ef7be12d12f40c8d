// Batches that are written by another thread while the next one is folded leave what batches do that are written one by one.

import { setImmediate } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { create } from "@bufbuild/protobuf";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { RecordedGoalSchema, RecordedSiteSchema } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import { KNOWN, type Known } from "../../src/readmodel/folder.ts";
import { generationPath } from "../../src/readmodel/generations.ts";
import { WriteThread } from "../../src/readmodel/write-thread.ts";
import { type Batch, type DeadLetter, ReadModelWriter } from "../../src/readmodel/writer.ts";
import { chunkRows, topPaths } from "../columns/stored-rows.ts";
import { after, batch, type GivenEvent, logged, partOf } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";
import { rememberedTimes } from "./remembered.ts";

const SETTINGS = { dedupeWindowMs: 1000 };
const PART_EVENTS = 7;
/** Next to nothing is remembered from one batch to the next. */
const FORGETFUL: Known = { visitors: 2, dayPages: 4, places: 2 };

interface Model {
  readonly path: string;
  readonly writer: ReadModelWriter;
  readonly retries: string[];
}

function open(known: Known = KNOWN): Model {
  const path = generationPath(temporaryDirectory(), 1);
  const retries: string[] = [];
  const writer = new ReadModelWriter(path, SETTINGS, CHUNK_SIZES, known, (reason) => retries.push(reason));
  onTestFinished(() => writer.close());
  return { path, writer, retries };
}

/** Lets SQLite refuse what the fold does not. */
function refuse({ path }: Model, event: string): void {
  const database = new Database(path);
  database.exec(`
    CREATE TRIGGER refused BEFORE INSERT ON events WHEN ${event}
    BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  database.close();
}

async function applyAhead({ writer }: Model, batches: readonly GivenEvent[][]): Promise<DeadLetter[]> {
  const deadLetters: DeadLetter[] = [];
  let first = 0;
  for (const given of batches) {
    deadLetters.push(...(await writer.applyAhead(inParts(given, first), after(first + given.length))));
    first += given.length;
  }
  return [...deadLetters, ...(await writer.settle())];
}

/** The events with the offsets from `first` on, in parts of seven. */
function inParts(given: readonly GivenEvent[], first: number): Batch {
  const events = logged(given, first);
  const starts = events.map((_, index) => index).filter((index) => index % PART_EVENTS === 0);
  const parts = function* () {
    for (const start of starts) {
      yield { ...partOf(events.slice(start, start + PART_EVENTS)), settings: settingsBehind(first + start) };
    }
  };
  return { firstOffset: first, parts: { [Symbol.iterator]: parts } };
}

/** What is said about a site behind the event with this offset: sometimes nothing, sometimes that a goal goes. */
function settingsBehind(offset: number) {
  if (offset % 3 === 0) return [];
  const siteId = `site-${offset % 5}`;
  const goal = { siteId, name: `goal ${offset % 2}` };
  const condition = { dimension: "path", operator: "is", values: [`/${offset}`] };
  const filter = { kind: { case: "condition" as const, value: condition } };
  return [
    create(RecordedSiteSchema, { siteId, name: `name ${offset}`, timeZone: "Europe/Berlin" }),
    create(RecordedGoalSchema, offset % 4 === 0 ? goal : { ...goal, filter }),
  ];
}

function applyOneByOne({ writer }: Model, batches: readonly GivenEvent[][]): DeadLetter[] {
  let first = 0;
  return batches.flatMap((given) => {
    const start = first;
    first += given.length;
    return writer.apply(inParts(given, start), after(first));
  });
}

function eventsOf({ path }: Model): number[] {
  const database = new Database(path, { readonly: true });
  const ids = database.prepare<[], number>("SELECT id FROM events").pluck().all();
  database.close();
  return ids;
}

const TABLES = [
  ...["projection", "events", "sites", "site_days"],
  ...["visitors", "sessions", "session_aliases", "dead_letters", "goals"],
];

function dump({ path }: Model): unknown {
  const database = new Database(path, { readonly: true });
  const rows = TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  const inChunks = chunkRows(database);
  const paths = topPaths(database);
  const ids = rememberedTimes(database, 0);
  database.close();
  return { rows, inChunks, paths, ids };
}

const name = (prefix: string, count: number) => fc.nat(count).map((number) => `${prefix}${number}`);
const given = fc.record({
  site: name("site-", 2),
  type: fc.constantFrom("page_view", "page_view", "click"),
  path: name("/", 3),
  user: fc.option(name("user-", 3), { nil: "" }),
  minute: fc.oneof(fc.nat(600), fc.nat(40), fc.integer({ min: 7000, max: 7100 })),
  id: fc.option(name("id-", 20), { nil: undefined }),
  more: fc.record({ visitor: name("hash", 2), isBot: fc.boolean() }),
  isPoison: fc.nat(60).map((die) => die === 0),
});
const START_MS = Date.UTC(2025, 10, 12, 20);
const events = given.map(({ minute, id, ...one }) => ({
  ...one,
  ...(id !== undefined && { id }),
  at: new Date(START_MS + minute * 60_000).toISOString(),
}));
const batches = fc.array(fc.array(events, { minLength: 1, maxLength: 30 }), { maxLength: 8 });

test.for([
  { what: "as the projector does", known: KNOWN },
  { what: "with next to nothing in memory", known: FORGETFUL },
])("all tables are the same: $what", async ({ known }) => {
  await fc.assert(
    fc.asyncProperty(batches, async (batches) => {
      const [ahead, oneByOne] = [open(known), open()];
      // What is refused by SQLite alone is found out by the thread.
      for (const model of [ahead, oneByOne]) refuse(model, "new.path = '/3' AND new.event_type = 'click'");
      expect(await applyAhead(ahead, batches)).toEqual(applyOneByOne(oneByOne, batches));
      expect(dump(ahead)).toEqual(dump(oneByOne));
      await ahead.writer.close();
      await oneByOne.writer.close();
    }),
    // To make a counterexample smaller would take minutes: each run starts a thread.
    { numRuns: 25, endOnFailure: true },
  );
});

test("a batch that the thread cannot write is written without it, and so is the one behind it", async () => {
  const model = open();
  refuse(model, "new.path = '/refused'");
  const batches = [
    [{ path: "/a" }],
    [{ path: "/b" }, { path: "/refused" }],
    [{ path: "/c" }],
    [{ path: "/d" }],
  ];
  const deadLetters = await applyAhead(model, batches);
  expect(deadLetters).toMatchObject([{ offset: 2, error: expect.stringContaining("refused") }]);
  expect(model.retries).toHaveLength(1);
  expect(model.writer.checkpoint).toEqual(after(5));
});

test("rows that were sent of a batch with an event that cannot be folded do not count twice", async () => {
  const model = open();
  const good = Array<GivenEvent>(2 * PART_EVENTS).fill({ path: "/a" });
  const deadLetters = await applyAhead(model, [good, [...good, { at: "never" }, ...good], good]);
  expect(deadLetters).toMatchObject([{ offset: 4 * PART_EVENTS }]);
  expect(eventsOf(model)).toHaveLength(8 * PART_EVENTS);
  // It is the fold that finds it, and not the thread.
  expect(model.retries).toEqual([]);
});

test("when the thread ends, whenever that is, every event counts once", async () => {
  const threads: Worker[] = [];
  const listen = (thread: Worker) => threads.push(thread);
  process.on("worker", listen);
  onTestFinished(() => void process.off("worker", listen));
  const model = open();
  for (let first = 0; first < 60 * 100; first += 100) {
    const given = Array<GivenEvent>(100).fill({ path: "/a", user: `user-${first % 7}` });
    await model.writer.applyAhead(inParts(given, first), after(first + 100));
    if (first % 300 === 0) setTimeout(() => threads.at(-1)?.terminate(), (first / 100) % 7);
    if (first % 500 === 0) await setImmediate();
  }
  await model.writer.settle();
  expect(eventsOf(model)).toHaveLength(60 * 100);
  expect(threads.length).toBeGreaterThan(2);
});

test("a problem after the commit is no reason to write the batch again", async () => {
  const model = open();
  await applyAhead(model, [[{ path: "/a" }]]);
  const { commit } = WriteThread.prototype;
  vi.spyOn(WriteThread.prototype, "commit").mockImplementationOnce(async function (
    this: WriteThread,
    ...batch
  ) {
    await commit.apply(this, batch);
    return "the reply was lost";
  });
  await model.writer.applyAhead(batch([{ path: "/b" }], 1), after(2));
  expect(await model.writer.settle()).toEqual([]);
  expect(model.retries).toEqual(["the reply was lost"]);
  expect(eventsOf(model)).toHaveLength(2);
});

test("where somebody else has moved the checkpoint, nothing is written", async () => {
  const model = open();
  await applyAhead(model, [[{ path: "/a" }]]);
  const other = new ReadModelWriter(model.path, SETTINGS);
  other.apply(batch([{ path: "/b" }, { path: "/b" }], 1), after(3));
  const before = dump(model);
  await model.writer.applyAhead(batch([{ path: "/c" }], 1), after(2));
  await expect(model.writer.settle()).rejects.toThrow("a second projector");
  expect(dump(model)).toEqual(before);
  await other.close();
});

test("until a batch is committed, others see nothing of it; the place that it is folded up to is known", async () => {
  const model = open();
  const other = new Database(model.path);
  other.exec("BEGIN IMMEDIATE");
  await model.writer.applyAhead(batch([{ path: "/a" }, { path: "/b" }]), after(2));
  expect(model.writer.checkpoint).toEqual(after(2));
  expect(other.prepare("SELECT count(*) FROM events").pluck().get()).toBe(0);
  other.exec("COMMIT");
  await model.writer.settle();
  expect(other.prepare("SELECT count(*) FROM events").pluck().get()).toBe(2);
  other.close();
});
