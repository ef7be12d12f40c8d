// What is put into a file of rows is what SQLite finds in it.

import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { RecordBuilder } from "../../src/readmodel/record-builder.ts";
import { RowFile } from "../../src/readmodel/row-file.ts";
import { temporaryDirectory } from "../temporary.ts";

type Value = string | number | null;
/** An id, and the values of some columns. */
type Row = readonly [number, ...Value[]];

const COLUMNS = ["a", "b", "c", "d"];
const TABLES = ["one", "other"];

function open() {
  const path = join(temporaryDirectory(), "it's ?a=%20#file");
  const database = new Database(":memory:");
  onTestFinished(() => void database.close());
  const create = (table: string) => `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, ${COLUMNS.join(", ")})`;
  return { path, database, file: new RowFile(database, path, "filed", TABLES.map(create)) };
}

/** Of texts, what is before and behind them in their bytes is no part of them. */
function add(file: RowFile, table: number, [id, ...values]: Row): void {
  const record = new RecordBuilder();
  record.begin();
  for (const value of values) {
    const bytes = Buffer.from(`<${value}>`);
    if (typeof value === "string") record.addText(bytes, 1, bytes.length - 1);
    else if (value === null) record.addNull();
    else record.addNumber(value);
  }
  record.addTo(file.table(table), id);
}

function stored(database: Database.Database, table: string): unknown[] {
  return database.prepare(`SELECT * FROM filed.${table}`).raw().all();
}

/** Columns that a row lacks are NULL. */
function whole(rows: readonly Row[]): Value[][] {
  return rows.map((row) => [...row, ...Array<null>(1 + COLUMNS.length - row.length).fill(null)]);
}

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.nat(3).map((size) => "é/".repeat([19, 38, 39, 5400][size] ?? 0)),
);
const number = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -1, max: 1 }));
const value = fc.oneof(text, text, number, fc.constant(null));
const ids = fc.uniqueArray(fc.oneof(fc.nat(300), fc.maxSafeNat()), { maxLength: 40 });
const rows = fc
  .tuple(ids, fc.array(fc.array(value, { maxLength: COLUMNS.length }), { minLength: 40, maxLength: 40 }))
  .map(([ids, values]) => ids.sort((a, b) => a - b).map((id, index): Row => [id, ...(values[index] ?? [])]));

test("rows of two tables, batch after batch", () => {
  const { database, file } = open();
  fc.assert(
    fc.property(rows, rows, fc.boolean(), (one, other, isForgotten) => {
      if (isForgotten) {
        for (const row of one) add(file, 1, row);
        file.clear();
      }
      for (const row of one) add(file, 0, row);
      for (const row of other) add(file, 1, row);
      file.finish();
      expect(stored(database, "one")).toEqual(whole(one));
      expect(stored(database, "other")).toEqual(whole(other));
      expect(database.pragma("filed.integrity_check", { simple: true })).toBe("ok");
    }),
  );
});

test("twenty thousand rows, and then none", () => {
  const { database, file } = open();
  const many = Array.from(
    { length: 20_000 },
    (_, index): Row => [7 * index, `/path/${index}`, index, null, 1 - index],
  );
  for (const row of many) add(file, 1, row);
  file.finish();
  expect(stored(database, "one")).toEqual([]);
  expect(stored(database, "other")).toEqual(many);
  expect(database.pragma("filed.integrity_check", { simple: true })).toBe("ok");
  file.finish();
  expect(stored(database, "other")).toEqual([]);
});

test("a row that has no room in a page is refused, and so is a text that is not there", () => {
  const { file } = open();
  expect(() => add(file, 0, [1, "x".repeat(65_600)])).toThrow("a row of 65605 bytes is too long");
  expect(() => new RecordBuilder().addText(Buffer.from("abc"), 2, 4)).toThrow("a text is not in its bytes");
});

test("the file has no name, so that nothing of it is left", () => {
  const { path, file } = open();
  add(file, 0, [1, "x"]);
  file.finish();
  expect(existsSync(path)).toBe(false);
});
