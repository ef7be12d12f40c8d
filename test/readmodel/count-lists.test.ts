import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CountList, type CountListSizes, CountLists } from "../../src/readmodel/count-lists.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { temporaryDirectory } from "../temporary.ts";

const EMPTY = { texts: 0, pages: 1, runs: 0, waiting: 0 };

/** So many connections to a database that has lists, which count how often lists were read whole. */
function openLists(sizes: CountListSizes, connections: number) {
  const path = join(temporaryDirectory(), "lists.db");
  const databases = Array.from({ length: connections }, () => {
    const database = new Database(path);
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = OFF");
    return database;
  });
  databases[0]?.exec(SCHEMA);
  const all = databases.map((database) => ({ database, lists: new CountLists(database, sizes) }));
  const close = () => {
    for (const database of databases) database.close();
  };
  return { all, close };
}

/** The hash of the text with a number: three words. */
function hashOf(number: number): [number, number, number] {
  const first = Math.imul(number + 1, 0x9e37_79b1) >>> 0;
  return [first, number % 3, (number % 5) << 21];
}

function addTo(lists: CountLists, list: CountList, numbers: readonly number[]) {
  const hashes = Uint32Array.from(numbers.flatMap(hashOf));
  const counts = Float64Array.from(numbers, (number) => 1 + (number % 7));
  return lists.add(list, hashes, counts);
}

/** A list in pages alone that has the texts with these numbers. */
function listInPages(database: Database.Database, id: number, numbers: readonly number[]): CountList {
  const lists = new CountLists(database, { pages: Number.POSITIVE_INFINITY, runs: 1, texts: 1 });
  return addTo(lists, { ...EMPTY, id }, numbers).list;
}

const step = fc.record({
  connection: fc.nat(1),
  list: fc.nat(2),
  /** In a transaction that is taken back, or not. */
  isTakenBack: fc.boolean(),
  from: fc.constantFrom(0, 100, 1000),
  count: fc.constantFrom(1, 3, 40, 900),
});

test("what texts come to is what was added, from whatever connection, and not what was taken back", () => {
  const sizes = fc.constantFrom(
    { pages: 1, runs: 3, texts: 5000 },
    { pages: 1, runs: 2, texts: 1500 },
    { pages: 4, runs: 3, texts: 1e6 },
  );
  let withRuns = 0;
  fc.assert(
    fc.property(sizes, fc.array(step, { minLength: 5, maxLength: 25, size: "max" }), (sizes, steps) => {
      const { all, close } = openLists(sizes, 2);
      const expected = Array.from({ length: 3 }, () => new Map<number, number>());
      const rows: CountList[] = expected.map((_, id) => ({ ...EMPTY, id }));
      for (const { connection, list, isTakenBack, from, count } of steps) {
        const { database, lists } = all[connection] ?? expect.fail();
        const [row, counts] = [rows[list] ?? expect.fail(), expected[list] ?? expect.fail()];
        const numbers = Array.from({ length: count }, (_, place) => from + place);
        database.exec("BEGIN IMMEDIATE");
        const added = addTo(lists, row, numbers);
        const totals = numbers.map((number) => (counts.get(number) ?? 0) + 1 + (number % 7));
        expect([...added.totals]).toEqual(totals);
        database.exec(isTakenBack ? "ROLLBACK" : "COMMIT");
        if (isTakenBack) continue;
        numbers.forEach((number, place) => {
          counts.set(number, totals[place] ?? 0);
        });
        expect(added.list.texts).toBe(counts.size);
        rows[list] = added.list;
        if (added.list.runs > row.runs) withRuns += 1;
      }
      close();
    }),
    { numRuns: 60 },
  );
  expect(withRuns).toBeGreaterThan(100);
});

test("of a large list the pages are changed after some runs, and all of it is there for another connection", () => {
  const { all, close } = openLists({ pages: 4, runs: 3, texts: 5000 }, 2);
  const [one, other] = all;
  if (!one || !other) expect.fail();
  const stored = () => {
    const bytes = (table: string) =>
      one.database.prepare<[], number>(`SELECT total(length(counts)) FROM ${table}`).pluck().get();
    return { pages: bytes("path_pages"), runs: bytes("path_runs") };
  };
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, place) => from + place);
  let list = listInPages(one.database, 1, numbers(0, 1000));
  expect(stored()).toEqual({ pages: 16_000, runs: 0 });
  list = addTo(one.lists, list, numbers(900, 1100)).list;
  list = addTo(one.lists, list, numbers(900, 1200)).list;
  expect(list).toMatchObject({ texts: 1200, runs: 2, waiting: 2 });
  expect(stored()).toEqual({ pages: 16_000, runs: 8000 });
  list = addTo(one.lists, list, [0, 1, 2]).list;
  // Few behind many are a run as well, here the last one.
  expect(list).toMatchObject({ texts: 1200, runs: 3, waiting: 0 });
  expect(stored()).toEqual({ pages: 19_200, runs: 0 });
  list = addTo(one.lists, list, numbers(1000, 1100)).list;
  const { totals } = addTo(other.lists, list, [900, 1000, 1100, 1200]);
  expect([...totals]).toEqual([20, 28, 4, 4]);
  close();
});

test("what could not be stored is not counted when it is tried again", () => {
  const { all, close } = openLists({ pages: 1, runs: 3, texts: 5000 }, 1);
  const { database, lists } = all[0] ?? expect.fail();
  const { list } = addTo(lists, { ...EMPTY, id: 1 }, [1, 2]);
  database.exec("CREATE TRIGGER full BEFORE INSERT ON path_runs BEGIN SELECT RAISE(ABORT, 'full'); END");
  expect(() => addTo(lists, list, [1, 2])).toThrow("full");
  database.exec("DROP TRIGGER full");
  expect([...addTo(lists, list, [1, 2]).totals]).toEqual([4, 6]);
  close();
});

test("few that come to a list without runs go to the pages, and behind many they are a run", () => {
  const { all, close } = openLists({ pages: 4, runs: 2, texts: 5000 }, 1);
  const { database, lists } = all[0] ?? expect.fail();
  const many = Array.from({ length: 1000 }, (_, number) => number);
  let list = listInPages(database, 1, many);
  const runs: number[] = [];
  for (const numbers of [many, [1], [2], [3], many, many, [4]]) {
    const { runs: before } = list;
    list = addTo(lists, list, numbers).list;
    runs.push(list.runs - before);
  }
  expect(runs).toEqual([1, 1, 0, 0, 1, 1, 0]);
  expect(list.waiting).toBe(0);
  close();
});

test("many that come to a new list are a run at once", () => {
  const { all, close } = openLists({ pages: 4, runs: 2, texts: 5000 }, 1);
  const { database, lists } = all[0] ?? expect.fail();
  const many = Array.from({ length: 1000 }, (_, number) => number);
  const { list } = addTo(lists, { ...EMPTY, id: 1 }, many);
  expect(list).toEqual({ id: 1, texts: 1000, pages: 1, runs: 1, waiting: 1 });
  expect(database.prepare("SELECT count(*) FROM path_pages").pluck().get()).toBe(0);
  expect([...addTo(lists, list, [7, 1000]).totals]).toEqual([2, 7]);
  close();
});
