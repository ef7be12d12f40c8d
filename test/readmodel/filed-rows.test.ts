// Rows that SQLite copies from a file are those that it makes of bound values.

import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { BOUNDS } from "../../src/projector/event-texts.ts";
import { BoundRows } from "../../src/readmodel/bound-rows.ts";
import type { SessionColumns } from "../../src/readmodel/changes.ts";
import type { EventRows } from "../../src/readmodel/event-rows.ts";
import { FiledRows } from "../../src/readmodel/filed-rows.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { temporaryDirectory } from "../temporary.ts";

const NUMBERS_OF_ONE_VIEW = 5;
const NUMBERS_OF_OTHERS = 10;

function open() {
  const directory = temporaryDirectory();
  const [bound, filed] = [new Database(":memory:"), new Database(join(directory, "filed.db"))];
  onTestFinished(() => {
    bound.close();
    filed.close();
  });
  for (const database of [bound, filed]) database.exec(SCHEMA);
  const rows = { bound: new BoundRows(bound), filed: new FiledRows(filed, join(directory, "rows")) };
  return { bound, filed, rows };
}

function eventRows(firstId: number, events: readonly (readonly string[])[]): EventRows {
  const bytes: Buffer[] = [];
  const bounds = new Uint32Array(events.length * BOUNDS);
  let start = 0;
  for (const [at, text] of events.flat().entries()) {
    const one = Buffer.from(text);
    bounds.set([start, 2 * one.length + 1], 2 * at);
    bytes.push(one);
    start += one.length;
  }
  const ids = Float64Array.from(events, (_, index) => firstId + index);
  return { ids, texts: { bytes: new Uint8Array(Buffer.concat(bytes)), bounds } };
}

function columnsOf(rows: readonly (readonly number[])[], columns: number): Float64Array<ArrayBuffer>[] {
  return Array.from({ length: columns }, (_, column) => Float64Array.from(rows, (row) => row[column] ?? 0));
}

const path = fc.string({ unit: "grapheme", maxLength: 8 });
const event = fc.tuple(
  fc.constantFrom("a", "b"),
  fc.constant("page_view"),
  path,
  path,
  fc.constant("2025-01-01"),
);
const key = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(-800_000, 20_000), fc.nat(5), fc.nat(3));
const time = fc.oneof(
  fc.integer({ min: -62_000_000_000_000, max: 253_402_300_799_999 }),
  fc.constant(Number.NaN),
);
const times = fc.array(time, { minLength: NUMBERS_OF_OTHERS, maxLength: NUMBERS_OF_OTHERS });
/** Site, period, stream and number are the row's key. */
const numbers = fc.tuple(key, times).map(([key, times]) => [...key, ...times.slice(key.length)]);
const oneViews = fc.array(fc.tuple(numbers, path), { maxLength: 20 });
const others = fc.array(fc.tuple(numbers, fc.option(path), fc.option(path)), { maxLength: 20 });
const batches = fc.array(fc.record({ events: fc.array(event, { maxLength: 20 }), oneViews, others }), {
  maxLength: 4,
});

test("whatever the batches are, and however often one is begun anew", () => {
  const { bound, filed, rows } = open();
  let nextId = 1;
  fc.assert(
    fc.property(batches, fc.boolean(), (batches, isBegunTwice) => {
      for (const { events, oneViews, others } of batches) {
        const sessions: SessionColumns = {
          ofOneView: {
            numbers: columnsOf(
              oneViews.map(([numbers]) => numbers),
              NUMBERS_OF_ONE_VIEW,
            ),
            paths: oneViews.map(([, path]) => path),
          },
          others: {
            numbers: columnsOf(
              others.map(([numbers]) => numbers),
              NUMBERS_OF_OTHERS,
            ),
            entryPaths: others.map(([, entry]) => entry),
            exitPaths: others.map(([, , exit]) => exit),
          },
        };
        const added = eventRows(nextId, events);
        nextId += events.length + 3;
        rows.bound.insertEvents(added);
        rows.bound.insertSessions(sessions);
        if (isBegunTwice) {
          rows.filed.addEvents(added);
          rows.filed.clear();
        }
        rows.filed.addEvents(added);
        rows.filed.addSessions(sessions);
        rows.filed.finish();
        rows.filed.insert();
        rows.filed.clear();
      }
      for (const query of [
        "SELECT * FROM events ORDER BY id",
        "SELECT * FROM sessions ORDER BY site, period, stream, number",
        "SELECT seq FROM sqlite_sequence WHERE name = 'events' AND seq > 0",
      ]) {
        expect(filed.prepare(query).all()).toEqual(bound.prepare(query).all());
      }
    }),
  );
  expect(filed.pragma("integrity_check", { simple: true })).toBe("ok");
});

test("SQLite copies the rows of events as they are", () => {
  const { filed } = open();
  const program = filed.prepare<[], { opcode: string }>(
    "EXPLAIN INSERT INTO main.events SELECT * FROM filed.events",
  );
  expect(program.all().map(({ opcode }) => opcode)).toContain("RowCell");
  const columns = (schema: string) =>
    filed.prepare(`SELECT name, type FROM pragma_table_info('events', ?)`).all(schema);
  expect(columns("filed")).toEqual(columns("main"));
});
