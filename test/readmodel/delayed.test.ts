// What the fold has in memory makes up for what is not in the tables yet: each batch is written while the next one is folded, at any
// moment of it, and all tables are those of one batch that has everything.

import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundRows } from "../../src/readmodel/bound-rows.ts";
import { ChangesWriter } from "../../src/readmodel/changes-writer.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import type { EventRows } from "../../src/readmodel/event-rows.ts";
import { Folder, type Known } from "../../src/readmodel/folder.ts";
import { FULL_IDS } from "../../src/readmodel/id-runs.ts";
import { PATH_SIZES } from "../../src/readmodel/path-counts.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { chunkRows, topPaths } from "../columns/stored-rows.ts";
import { type GivenEvent, logged, partOf } from "../projector/events.ts";
import { rememberedTimes } from "./remembered.ts";

const START_MS = Date.UTC(2025, 10, 12, 20);
const WINDOW_MS = 1000;
const TABLES = [...["events", "sites", "site_days"], ...["visitors", "sessions", "session_aliases"]];

interface GivenBatch {
  readonly events: readonly GivenEvent[];
  /** In parts of so many events. */
  readonly partEvents: number;
  /** Before which of its parts the batch before is committed; when it has fewer, behind all of them. */
  readonly seenBefore: number;
  /** Whether all is written and forgotten behind it, as when the projector starts anew. */
  readonly isLast: boolean;
}

function fold(batches: readonly GivenBatch[], known: Known): unknown {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  const folder = new Folder(database, { dedupeWindowMs: WINDOW_MS, sizes: CHUNK_SIZES, known });
  const bound = new BoundRows(database);
  const writer = new ChangesWriter(database, CHUNK_SIZES, PATH_SIZES, FULL_IDS);
  let write = () => {};
  let offset = 0;
  for (const { events, partEvents, seenBefore, isLast } of batches) {
    const all = logged(events, offset);
    const rows: EventRows[] = [];
    const parts = function* () {
      for (let part = 0; part * partEvents < all.length; part += 1) {
        if (part === seenBefore) write();
        yield partOf(all.slice(part * partEvents, (part + 1) * partEvents));
      }
    };
    const changes = folder.fold(parts(), (part) => rows.push(part));
    write();
    folder.trim();
    write = () => {
      for (const part of rows) bound.insertEvents(part);
      bound.insertSessions(changes.sessions);
      writer.write(changes);
      write = () => {};
    };
    offset += all.length;
    if (!isLast) continue;
    write();
    folder.clear();
  }
  write();
  const tables = TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`).all());
  const inChunks = chunkRows(database);
  const paths = topPaths(database);
  const lastMs = batches.at(-1)?.events.at(-1)?.receivedAtMs ?? 0;
  const ids = rememberedTimes(database, lastMs - WINDOW_MS);
  database.close();
  return { tables, inChunks, paths, ids };
}

const name = (prefix: string, count: number) => fc.nat(count).map((number) => `${prefix}${number}`);
const given = fc.record({
  site: name("site-", 3),
  type: fc.constantFrom("page_view", "page_view", "click"),
  path: name("/", 2),
  user: fc.option(name("user-", 2), { nil: "" }),
  minute: fc.oneof(
    ...[fc.nat(600), fc.nat(5000), fc.nat(200).map((number) => number * 25), fc.nat(40)],
    fc.integer({ min: 7000, max: 7100 }),
  ),
  id: fc.option(name("id-", 6), { nil: undefined }),
  more: fc.record({ visitor: name("hash", 1), isBot: fc.boolean() }),
  gap: fc.constantFrom(0, 0, 0, 300),
});
const batches = fc.array(
  fc.record({
    events: fc.array(given, { minLength: 1, maxLength: 12 }),
    partEvents: fc.integer({ min: 1, max: 12 }),
    seenBefore: fc.nat(4),
    isLast: fc.nat(12).map((die) => die === 0),
  }),
  { minLength: 2, maxLength: 16 },
);

test.for([
  { visitors: 0, dayPages: 0, places: 0 },
  { visitors: 3, dayPages: 2, places: 3 },
  { visitors: 60, dayPages: 5, places: 40 },
])("with %j in memory", (known) => {
  fc.assert(
    fc.property(batches, (batches) => {
      let receivedAtMs = 1_000_000;
      const timed = batches.map((one) => ({
        ...one,
        events: one.events.map(({ minute, gap, id, ...rest }) => {
          receivedAtMs += gap;
          const at = new Date(START_MS + minute * 60_000).toISOString();
          return { ...rest, ...(id !== undefined && { id }), at, receivedAtMs };
        }),
      }));
      const events = timed.flatMap(({ events }) => events);
      const once = { events, partEvents: events.length, seenBefore: 0, isLast: true };
      expect(fold(timed, known)).toEqual(fold([once], known));
    }),
    { numRuns: 400 },
  );
});
