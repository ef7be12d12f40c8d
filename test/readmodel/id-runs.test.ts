import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { ENTRY_WORDS, NEVER } from "../../src/readmodel/id-entries.ts";
import { FULL_IDS_AHEAD, IdRuns } from "../../src/readmodel/id-runs.ts";
import { IdTable } from "../../src/readmodel/id-table.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { StoredIds } from "../../src/readmodel/stored-ids.ts";
import { rememberedByHash } from "./remembered.ts";

function open(fullIds = FULL_IDS_AHEAD) {
  const database = new Database(":memory:");
  onTestFinished(() => void database.close());
  database.exec(SCHEMA);
  return { database, runs: new IdRuns(database, fullIds), stored: new StoredIds(database) };
}

/** A hash for each number, far from those of its neighbours. */
function hashOf(number: number): Uint32Array {
  const word = (seed: number) => Math.imul(number + 1, seed) ^ (Math.imul(number + 1, 0x9e37_79b1) >>> 15);
  return Uint32Array.of(word(0x85eb_ca6b), word(0xc2b2_ae35), word(0x27d4_eb2f), word(0x1656_67b1));
}

const hashesOf = (numbers: readonly number[]) => Uint32Array.from(numbers.flatMap((n) => [...hashOf(n)]));

/** Those of the numbers from `first` on, all received at one time. */
function entriesOf(first: number, count: number, receivedAtMs: number): Uint32Array {
  const table = new IdTable();
  for (let number = first; number < first + count; number += 1) table.set(hashOf(number), 0, receivedAtMs);
  return table.sorted();
}

const countRuns = (database: Database.Database) =>
  database.prepare("SELECT count(*) FROM id_runs").pluck().get();

const step = fc.record({
  first: fc.nat(300),
  count: fc.oneof(fc.nat(5), fc.nat(60), fc.nat(600)),
  gap: fc.oneof(fc.constant(0), fc.nat(100)),
  isCleared: fc.boolean(),
});

test("whatever was added, an id is found with its last time; what is past the window may be gone", () => {
  const windowMs = 1000;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { database, runs, stored } = open();
      const expected = new Map<number, number>();
      let nowMs = 5000;
      for (const { first, count, gap, isCleared } of steps) {
        nowMs += gap;
        runs.add(entriesOf(first, count, nowMs), nowMs - windowMs);
        for (let number = first; number < first + count; number += 1) expected.set(number, nowMs);
        if (isCleared) stored.clear();
        const numbers = Array.from({ length: 1000 }, (_, number) => number);
        const times = stored.receivedAt(hashesOf(numbers));
        for (const number of numbers) {
          const lastMs = expected.get(number) ?? NEVER;
          const isPast = lastMs <= nowMs - windowMs;
          expect(isPast ? [lastMs, NEVER] : [lastMs], `${number}`).toContain(times[number]);
        }
      }
      rememberedByHash(database);
      database.close();
    }),
    { numRuns: 40 },
  );
});

test("runs stay few, and are gone when all that they have is past the window", () => {
  const { database, runs, stored } = open();
  for (let batch = 0; batch < 300; batch += 1) runs.add(entriesOf(10 * batch, 10, 1000 + batch), 0);
  expect(countRuns(database)).toBeLessThan(15);
  expect(rememberedByHash(database).size).toBe(3000);
  runs.add(new Uint32Array(), 1298);
  expect(rememberedByHash(database).size).toBeLessThan(1000);
  expect([...stored.receivedAt(hashesOf([2990, 2999, 3000]))]).toEqual([1299, 1299, NEVER]);
  runs.add(new Uint32Array(), 1299);
  expect(rememberedByHash(database).size).toBe(0);
  expect(countRuns(database)).toBe(0);
  expect([...stored.receivedAt(hashesOf([2999]))]).toEqual([NEVER]);
});

test("what is past the window is left out when runs become one, which may leave nothing", () => {
  const { database, runs } = open();
  for (const time of [1, 2, 3]) runs.add(entriesOf(5 * time, 5, time), 0);
  expect(countRuns(database)).toBe(3);
  runs.add(entriesOf(100, 5, 9), 2);
  expect([...rememberedByHash(database).values()].sort()).toEqual([3, 3, 3, 3, 3, 9, 9, 9, 9, 9]);
});

test("of an id in many runs the last time stays", () => {
  const { database, runs, stored } = open();
  for (const time of [1000, 5000, 3000, 2000, 4000]) {
    runs.add(entriesOf(0, 3, time), 0);
    expect(Math.max(...rememberedByHash(database).values())).toBe(Math.max(time, time === 1000 ? 0 : 5000));
  }
  expect([...stored.receivedAt(hashesOf([0, 1, 2, 3]))]).toEqual([5000, 5000, 5000, NEVER]);
});

test("a transaction that is taken back leaves nothing, though its runs' numbers are given again", () => {
  const { database, runs, stored } = open();
  const taken = database.transaction(() => {
    runs.add(entriesOf(0, 50, 1000), 0);
    expect(stored.receivedAt(hashesOf([0]))[0]).toBe(1000);
    throw new Error("taken back");
  });
  expect(taken).toThrow("taken back");
  stored.clear();
  runs.add(entriesOf(100, 50, 1000), 0);
  expect([...stored.receivedAt(hashesOf([0, 100]))]).toEqual([NEVER, 1000]);
});

test("large runs become one page by page, and full ones stay as they are", () => {
  const { database, runs, stored } = open();
  const size = 140_000;
  for (let batch = 0; batch < 5; batch += 1) runs.add(entriesOf(size * batch, size, 1000 + batch), 0);
  const ids = database.prepare("SELECT ids FROM id_runs ORDER BY ids DESC").pluck().all();
  expect(ids).toEqual([4 * size, size]);
  const numbers = Array.from({ length: 5000 }, (_, n) => n * 140);
  const times = stored.receivedAt(hashesOf(numbers));
  expect([...times]).toEqual(numbers.map((number) => 1000 + Math.floor(number / size)));
  expect(stored.receivedAt(hashesOf([-7, 5 * size, 9 * size]))).toEqual(new Float64Array(3).fill(NEVER));
});

test("runs with as many ids as are full stay as they are", () => {
  const { database, runs } = open(32);
  for (let batch = 0; batch < 20; batch += 1) runs.add(entriesOf(10 * batch, 10, 1000), 0);
  expect(database.prepare("SELECT ids FROM id_runs").pluck().all()).toEqual([40, 40, 40, 40, 40]);
});

test("runs become one, however much of each is past the window", () => {
  const { database, runs, stored } = open();
  for (let batch = 0; batch < 16; batch += 1) {
    const table = new IdTable();
    for (let number = 0; number < 200; number += 1) {
      table.set(hashOf(200 * batch + number), 0, number < 8 ? 9000 : 1000);
    }
    runs.add(table.sorted(), batch % 4 === 3 ? 5000 : 0);
  }
  expect(database.prepare("SELECT ids FROM id_runs").pluck().all()).toEqual([128]);
  expect(rememberedByHash(database).size).toBe(128);
  expect([...stored.receivedAt(hashesOf([0, 3007, 8]))]).toEqual([9000, 9000, NEVER]);
});

test("there are numbers for more runs than a server ever makes, and pages for more ids than a run ever has", () => {
  const { database, runs, stored } = open();
  runs.add(entriesOf(0, 1, 1000), 0);
  const runsOf160Years = 2 ** 37;
  database.prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'id_runs'").run(runsOf160Years - 50);
  for (let batch = 1; batch < 9; batch += 1) runs.add(entriesOf(300 * batch, 300, 1000), 0);
  expect(rememberedByHash(database).size).toBe(2401);
  expect(stored.receivedAt(hashesOf([2699]))[0]).toBe(1000);
  const tooMany = new Uint32Array(ENTRY_WORDS * (2 ** 23 + 1));
  expect(() => runs.add(tooMany, 0)).toThrow("too many for a run");
});
