import { closeSync, existsSync, openSync, readdirSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { type LogFiles, nodeLogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { Projector } from "../../src/projector/projector.ts";
import type { RebuildProgress } from "../../src/projector/rebuild.ts";
import { currentGeneration, generationPath } from "../../src/readmodel/generations.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { topPaths } from "../columns/stored-rows.ts";
import { rememberedTimes } from "../readmodel/remembered.ts";
import { temporaryDirectory } from "../temporary.ts";
import { type GivenEvent, recorded } from "./events.ts";

const WINDOW_MS = 7 * 86_400_000;
const TABLES = ["events", "sites", "site_days", "visitors", "dead_letters"];

interface World {
  readonly data: string;
  readonly files: LogFiles;
}

async function openWorld(): Promise<World> {
  const data = temporaryDirectory();
  return { data, files: await nodeLogFiles(join(data, "log")) };
}

/** Appends frames of these events. */
async function write(
  files: LogFiles,
  frames: readonly (readonly GivenEvent[])[],
  segmentBytes?: number,
): Promise<void> {
  const { log } = await openLog(files, segmentBytes);
  for (const given of frames) await log.append(batchOf(recorded(given)));
  await log.close();
}

const batchOf = (events: readonly RecordedEvent[]) => ({
  groups: [new RecordEncoder().encode(events)],
  receivedAtMs: 1_000_000,
});

/** A projector that runs; `ended` settles when it does. */
function run({ data, files }: World, dedupeWindowMs = WINDOW_MS) {
  const stop = new AbortController();
  const logged: string[] = [];
  const logger = pino({ level: "error" }, { write: (line) => logged.push(line) });
  const projector = new Projector({ dataDirectory: data, files, settings: { dedupeWindowMs }, logger });
  const ended = projector.run(stop.signal);
  ended.catch(() => {});
  onTestFinished(() => stop.abort());
  const end = async () => {
    stop.abort();
    await ended;
  };
  return { projector, ended, end, logged };
}

async function foldedTo(data: string, position: number): Promise<void> {
  const reader = new ReadModelReader(data);
  await expect.poll(() => reader.checkpoint()?.nextOffset, { timeout: 10_000 }).toBe(position);
  reader.close();
}

function dump(data: string): unknown[][] {
  const database = new Database(generationPath(data, currentGeneration(data) ?? 0), { readonly: true });
  const rows = TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  const paths = topPaths(database);
  const ids = rememberedTimes(database, 0);
  database.close();
  return [paths, ids, ...rows];
}

/** Frames of events of all kinds, some of them sent twice. */
function traffic(frames: number, perFrame: number): GivenEvent[][] {
  return Array.from({ length: frames }, (_, frame) =>
    Array.from({ length: perFrame }, (_, n) => ({
      site: `site-${n % 3}`,
      path: `/${n % 7}`,
      user: `user-${(frame * n) % 11}`,
      ...(n % 2 === 0 && { id: `id-${(frame * perFrame + n) % 400}` }),
    })),
  );
}

const never = new AbortController().signal;

/** Writes over the first page of a table, of a database that nobody has open. */
function damage(path: string, table: string): void {
  const database = new Database(path);
  const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck().get(table);
  const pageBytes = database.pragma("page_size", { simple: true });
  database.close();
  const file = openSync(path, "r+");
  writeSync(file, Buffer.alloc(100, 0x55), 0, 100, (Number(root) - 1) * Number(pageBytes));
  closeSync(file);
}

/** A data directory with statistics of 6,000 events that cannot be gone on with, and more events of a large or a small batch. */
async function damagedWorld(table: string, newFrames: number, segmentBytes?: number): Promise<World> {
  const world = await openWorld();
  await write(world.files, traffic(20, 300), segmentBytes);
  const first = run(world);
  await foldedTo(world.data, 6000);
  await first.end();
  damage(generationPath(world.data, 1), table);
  await write(world.files, traffic(newFrames, 300), segmentBytes);
  return world;
}

test("it folds what is there, and what comes while it runs", async () => {
  const world = await openWorld();
  await write(world.files, traffic(2, 10));
  run(world);
  await foldedTo(world.data, 20);
  await write(world.files, traffic(1, 5));
  await foldedTo(world.data, 25);
});

test("a rebuild beside the live statistics gives the same tables, and leaves one generation", async () => {
  const world = await openWorld();
  await write(world.files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(world.data, 12_000);
  const before = dump(world.data);
  const reader = new ReadModelReader(world.data);
  expect(reader.checkpoint()?.nextOffset).toBe(12_000);
  const seen: RebuildProgress[] = [];
  expect(await projector.rebuild((progress) => seen.push(progress), never, false)).toEqual({
    generation: 2,
    first: 0,
    position: 12_000,
    end: 12_000,
    deadLetters: 0,
  });
  expect(seen.map(({ position }) => position)).toEqual([5100, 10_200, 12_000]);
  expect(dump(world.data)).toEqual(before);
  // A reader goes over without an error.
  expect(reader.checkpoint()?.nextOffset).toBe(12_000);
  reader.close();
  expect(readdirSync(world.data).filter((name) => name.endsWith(".db"))).toEqual([
    "analytics-2.db",
    "analytics.db",
  ]);
  await write(world.files, [[{}]]);
  await foldedTo(world.data, 12_001);
  await end();
});

test("a rebuild while events come ends, and misses none", async () => {
  const world = await openWorld();
  await write(world.files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(world.data, 12_000);
  const { log } = await openLog(world.files);
  let isRebuilding = true;
  let appended = 0;
  const appending = (async () => {
    while (isRebuilding) {
      await log.append(batchOf(recorded([{ path: "/new" }])));
      appended += 1;
    }
  })();
  await projector.rebuild(() => {}, never, false);
  isRebuilding = false;
  await appending;
  await log.close();
  await foldedTo(world.data, 12_000 + appended);
  const live = dump(world.data);
  await projector.rebuild(() => {}, never, false);
  expect(dump(world.data)).toEqual(live);
  await end();
});

/** A rebuild that is interrupted when something of it is done. */
async function expectInterrupted(projector: Projector): Promise<void> {
  const interrupt = new AbortController();
  const interrupted = projector.rebuild(() => interrupt.abort(new Error("enough")), interrupt.signal, false);
  await expect(interrupted).rejects.toThrow("enough");
}

test("a rebuild that is interrupted leaves the statistics as they are, and is gone on with by the next one", async () => {
  const world = await openWorld();
  await write(world.files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(world.data, 12_000);
  const before = dump(world.data);
  await expectInterrupted(projector);
  expect(currentGeneration(world.data)).toBe(1);
  await end();

  const next = run(world);
  const seen: number[] = [];
  await next.projector.rebuild(({ position }) => seen.push(position), never, false);
  expect(seen[0]).toBeGreaterThan(5100);
  expect(currentGeneration(world.data)).toBe(2);
  expect(dump(world.data)).toEqual(before);
  await next.end();
});

test("a rebuild that is asked for right after one was interrupted is a new one, which goes on with it", async () => {
  const world = await openWorld();
  await write(world.files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(world.data, 12_000);
  const before = dump(world.data);
  const interrupt = new AbortController();
  const interrupted = projector.rebuild(() => interrupt.abort(new Error("enough")), interrupt.signal, false);
  const next = Promise.withResolvers<RebuildProgress>();
  interrupt.signal.addEventListener("abort", () => next.resolve(projector.rebuild(() => {}, never, false)));
  await expect(interrupted).rejects.toThrow("enough");
  expect(await next.promise).toMatchObject({ generation: 2, position: 12_000 });
  expect(dump(world.data)).toEqual(before);
  await end();
});

test("another dedupe window is another projection: it is built by itself, and the old one is read meanwhile", async () => {
  const world = await openWorld();
  await write(world.files, [[{ id: "x", receivedAtMs: 0 }], [{ id: "x", receivedAtMs: 500 }]]);
  const first = run(world);
  await foldedTo(world.data, 2);
  await first.end();
  const reader = new ReadModelReader(world.data);
  const query = { siteId: "site", date: null, limit: 10 };
  expect(reader.stats(query).totalViews).toBe(1);
  const second = run(world, 400);
  await expect.poll(() => reader.stats(query).totalViews, { timeout: 10_000 }).toBe(2);
  reader.close();
  await second.end();
  expect(existsSync(generationPath(world.data, 1))).toBe(false);
});

test("a poison event becomes a dead letter, and all others count", async () => {
  const world = await openWorld();
  const poison = { site: "poisoned", at: "no time at all" };
  await write(world.files, [[{ path: "/a" }, poison, { path: "/b" }], [{ path: "/c" }]]);
  const { projector, end } = run(world);
  await foldedTo(world.data, 4);
  const reader = new ReadModelReader(world.data);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(3);
  expect(reader.stats({ siteId: "poisoned", date: null, limit: 10 }).totalViews).toBe(0);
  reader.close();
  const before = dump(world.data);
  expect(before.at(-1)).toEqual([
    { offset: 1, error: expect.stringMatching(/./), version: expect.any(Number) },
  ]);
  expect(await projector.rebuild(() => {}, never, false)).toMatchObject({ deadLetters: 1 });
  expect(dump(world.data)).toEqual(before);
  await end();
});

test.for([1, 70])(
  "%i good frames before damage in the log are folded before the projector stops there",
  async (good) => {
    const world = await openWorld();
    await write(world.files, traffic(good + 1, 300));
    await write(world.files, traffic(1, 300), 1);
    // The last frame of the first segment.
    const name = segmentName(0);
    const file = await world.files.open(name, "write");
    await file.write(Buffer.alloc(8, 0x55), (await file.size()) - 100);
    await file.close();
    await expect(run(world).ended).rejects.toThrow(`log segment ${name} is damaged`);
    const reader = new ReadModelReader(world.data);
    expect(reader.checkpoint()?.nextOffset).toBe(good * 300);
    reader.close();
  },
);

test("too many dead letters stop the projector, and change nothing", async () => {
  const world = await openWorld();
  const poison = { at: "no time at all" };
  await write(world.files, [[{}, ...Array<GivenEvent>(100).fill(poison)]]);
  const first = run(world);
  await foldedTo(world.data, 101);
  await write(world.files, [[poison]]);
  await expect(first.ended).rejects.toThrow(/^101 of the last 10000 events cannot be folded/);
  const reader = new ReadModelReader(world.data);
  expect(reader.checkpoint()?.nextOffset).toBe(101);
  reader.close();
  await expect(run(world).ended).rejects.toThrow("101 of the last");
});

test("dead letters are too many wherever they are in a batch, and those that are not cost their slice only", async () => {
  const world = await openWorld();
  const poison = { at: "no time at all" };
  const good = (count: number) => Array<GivenEvent>(count).fill({ path: "/" });
  const few = [...good(2500), poison, ...good(1500), ...Array<GivenEvent>(99).fill(poison), ...good(1500)];
  await write(world.files, [few, [{ path: "/" }]]);
  const { end } = run(world);
  await foldedTo(world.data, few.length + 1);
  const reader = new ReadModelReader(world.data);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(5501);
  reader.close();
  await end();
  const other = await openWorld();
  await write(other.files, [[...Array<GivenEvent>(101).fill(poison), ...good(12_000)]]);
  await expect(run(other).ended).rejects.toThrow(/^101 of the last 10000 events cannot be folded/);
});

test("a build that lacks events and was not finished is not gone on with: the events may be there again", async () => {
  const world = await openWorld();
  const { data, files } = world;
  await write(files, [[{ path: "/moved" }], [{ path: "/kept" }]], 1);
  const { projector, end } = run(world);
  await foldedTo(data, 2);
  // What a rebuild with an accepted loss leaves that is interrupted.
  const begun = new ReadModelWriter(generationPath(data, 2), { dedupeWindowMs: WINDOW_MS });
  begun.beginAt(1);
  begun.close();
  expect(await projector.rebuild(() => {}, never, false)).toMatchObject({ first: 0, position: 2 });
  const reader = new ReadModelReader(data);
  expect(reader.stats({ siteId: "site", date: null, limit: 10 }).totalViews).toBe(2);
  reader.close();
  await end();
});

test("a log without its beginning is folded only when the loss is accepted", async () => {
  const world = await openWorld();
  await write(world.files, [[{ path: "/lost" }], [{ path: "/kept" }]], 1);
  const { projector, end } = run(world);
  await foldedTo(world.data, 2);
  const first = "00000000000000000000.log";
  renameSync(join(world.files.directory, first), join(world.data, first));
  await expect(projector.rebuild(() => {}, never, false)).rejects.toThrow(
    /begins at offset 1.*log\/archive\/.*--dedupe-window.*--accept-loss/,
  );
  const reader = new ReadModelReader(world.data);
  const paths = () =>
    reader.stats({ siteId: "site", date: null, limit: 10 }).topPaths.map(({ path }) => path);
  expect(paths()).toEqual(["/kept", "/lost"]);
  expect(await projector.rebuild(() => {}, never, true)).toMatchObject({ first: 1, position: 2 });
  expect(paths()).toEqual(["/kept"]);
  reader.close();
  await end();
});

test("with less than 80 MiB free nothing is folded, and with room again it goes on", async () => {
  const world = await openWorld();
  await write(world.files, [[{ path: "/" }]]);
  let freeMiB = 79;
  let asked = 0;
  const freeBytes = async () => {
    asked += 1;
    return freeMiB * 1024 * 1024;
  };
  const { end } = run({ ...world, files: { ...world.files, freeBytes } });
  await expect.poll(() => asked).toBeGreaterThan(1);
  const reader = new ReadModelReader(world.data);
  expect(reader.checkpoint()?.nextOffset ?? 0).toBe(0);
  reader.close();
  freeMiB = 80;
  await foldedTo(world.data, 1);
  await end();
});

test.for([
  ["visitors", 1],
  ["sites", 1],
  ["events", 80],
  ["projection", 1],
] as const)(
  "statistics with a damaged page of %s, which %i frames come upon, are replaced by new ones",
  async ([table, newFrames]) => {
    const world = await damagedWorld(table, newFrames);
    const total = 6000 + newFrames * 300;
    const { end, logged } = run(world);
    await expect.poll(() => currentGeneration(world.data), { timeout: 10_000 }).toBe(2);
    await foldedTo(world.data, total);
    await end();
    const isSaid = logged.some((line) => line.includes(generationPath(world.data, 1)));
    expect(isSaid || table === "projection").toBe(true);
    expect(existsSync(generationPath(world.data, 1))).toBe(false);
  },
);

test("a rebuild that comes upon damaged statistics replaces them, and Ctrl-C does not end it then", async () => {
  const world = await damagedWorld("visitors", 80);
  const { projector, end } = run(world);
  await expectInterrupted(projector);
  await expect.poll(() => currentGeneration(world.data), { timeout: 10_000 }).toBe(2);
  await foldedTo(world.data, 30_000);
  await end();
});

test("damaged statistics of a log without its beginning are replaced only when the loss is accepted", async () => {
  const world = await damagedWorld("visitors", 1, 1);
  const [first = ""] = readdirSync(world.files.directory).sort();
  renameSync(join(world.files.directory, first), join(world.data, first));
  await expect(run(world).ended).rejects.toThrow(/begins at offset 300.*--accept-loss/);
  expect(currentGeneration(world.data)).toBe(1);
  const { projector, end } = run(world);
  expect(await projector.rebuild(() => {}, never, true)).toMatchObject({ first: 300, position: 6300 });
  expect(currentGeneration(world.data)).toBe(2);
  await end();
});

test("a new generation that is damaged while it is built is removed, and the next rebuild begins anew", async () => {
  const world = await openWorld();
  await write(world.files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(world.data, 12_000);
  await expectInterrupted(projector);
  await end();
  damage(generationPath(world.data, 2), "visitors");
  const next = run(world);
  await expect(next.projector.rebuild(() => {}, never, false)).rejects.toThrow(
    /analytics-2\.db were damaged .* removed/,
  );
  expect(existsSync(generationPath(world.data, 2))).toBe(false);
  expect(await next.projector.rebuild(() => {}, never, false)).toMatchObject({ position: 12_000 });
  await next.end();
});

test("a rebuild beside live statistics ends when room gets low, and they go on", async () => {
  let free = 1024 ** 3;
  const { data, files } = await openWorld();
  const world = { data, files: { ...files, freeBytes: async () => free } };
  await write(files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(data, 12_000);
  const onProgress = () => {
    free = 100 * 1024 ** 2;
  };
  await expect(projector.rebuild(onProgress, never, false)).rejects.toThrow(
    `and 128 MiB more, and 100 MiB are free in ${data}; what was made of them is removed`,
  );
  expect(existsSync(generationPath(data, 2))).toBe(false);
  await write(files, traffic(1, 5));
  await foldedTo(data, 12_005);
  await end();
});

test("a rebuild ends when it is interrupted, also while there is no room for anything", async () => {
  let free = 1024 ** 3;
  const { data, files } = await openWorld();
  const world = { data, files: { ...files, freeBytes: async () => free } };
  await write(files, traffic(40, 300));
  const { projector, end } = run(world);
  await foldedTo(data, 12_000);
  const interrupt = new AbortController();
  const onProgress = () => {
    free = 0;
    interrupt.abort(new Error("enough"));
  };
  await expect(projector.rebuild(onProgress, interrupt.signal, false)).rejects.toThrow("enough");
  // The next one gets to know why it cannot be, which it does not while the first one is not closed.
  await expect(projector.rebuild(() => {}, never, false)).rejects.toThrow("no room");
  await end();
});
