import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LoggedEvent } from "../../src/projector/event-decoder.ts";
import { SESSION_GAP_MS } from "../../src/projector/session.ts";
import { BoundRows } from "../../src/readmodel/bound-rows.ts";
import type { Changes } from "../../src/readmodel/changes.ts";
import { ChangesWriter } from "../../src/readmodel/changes-writer.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import { FULL_IDS } from "../../src/readmodel/id-runs.ts";
import { PATH_SIZES } from "../../src/readmodel/path-counts.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { SessionRows } from "../../src/readmodel/session-rows.ts";
import { Sessions } from "../../src/readmodel/sessions.ts";
import { Tables } from "../../src/readmodel/tables.ts";
import { Visitors } from "../../src/readmodel/visitors.ts";
import { type GivenEvent, logged } from "../projector/events.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2025, 10, 12, 20);

/** Sessions and the events that they have, by the minutes of START_MS that these happened at. */
function sessionsOf(minutes: readonly number[], cuts: readonly number[] = []): number[][] {
  const { sessions, database } = open();
  const numbers = minutes.map((minute, index) => {
    const [event] = logged([{ user: "u", at: new Date(START_MS + minute * MINUTE_MS).toISOString() }], index);
    if (!event) throw new Error("no event was made");
    const { session } = sessions.add(event);
    if (cuts.includes(index)) sessions.flush();
    return session;
  });
  sessions.flush();
  sessions.write();
  const alias = database
    .prepare<[number], number>("SELECT session FROM session_aliases WHERE site = 1 AND gone = ?")
    .pluck();
  const byNumber = new Map<number, number[]>();
  for (const [index, number] of numbers.entries()) {
    let session = number;
    for (let next = alias.get(session); next !== undefined; next = alias.get(session)) session = next;
    byNumber.set(session, [...(byNumber.get(session) ?? []), minutes[index] ?? 0]);
  }
  const found = [...byNumber.values()].map((session) => session.sort((a, b) => a - b));
  expect(stored(database)).toEqual(found.map(factsOf).sort());
  database.close();
  return found.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

const NOTHING: Changes = {
  ...{ sites: [], visitors: [], sessions: new SessionRows().columns() },
  ...{
    joined: [],
    chunks: [],
    users: [],
    ids: new Uint32Array(),
    forgottenUpToMs: 0,
    settings: [],
  },
};

/** The sessions of a site. Each batch is written when the next one ends, as when another thread writes. */
function open() {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  database.exec("INSERT INTO sites (id, site_id) VALUES (1, 'site')");
  const tables = new Tables(database, 2);
  const bound = new BoundRows(database);
  const writer = new ChangesWriter(database, CHUNK_SIZES, PATH_SIZES, FULL_IDS);
  const visitors = new Visitors(1, tables.visitors, 0);
  const none = { sessions: 0, endMs: Number.NEGATIVE_INFINITY };
  const sessions = new Sessions(1, visitors, tables.sessions, none);
  let batch = 1;
  let ended = NOTHING;
  const write = () => {
    bound.insertSessions(ended.sessions);
    writer.write(ended);
    ended = NOTHING;
  };
  return {
    database,
    sessions: {
      add(event: LoggedEvent) {
        const visitor = visitors.of(event);
        visitors.load();
        return sessions.add(event, visitor, batch);
      },
      /** Ends a batch. What it changed is not written yet. */
      flush() {
        write();
        // Nobody is in memory for long.
        visitors.rotate();
        sessions.rotate();
        const changes = sessions.takeChanges();
        const rows = new SessionRows();
        rows.add(1, changes.sessions);
        const ofVisitors = visitors.takeChanges();
        ended = {
          ...NOTHING,
          ...{ sessions: rows.columns(), joined: changes.joined },
          visitors: ofVisitors ? [ofVisitors] : [],
        };
        batch += 1;
      },
      write,
    },
  };
}

function stored(database: Database.Database): string[] {
  return database
    .prepare<[], string>(
      `SELECT start_ms || ' ' || ifnull(end_ms, start_ms) || ' ' || ifnull(events, 1) FROM sessions
        WHERE start_ms IS NOT NULL`,
    )
    .pluck()
    .all()
    .sort();
}

function factsOf(session: readonly number[]): string {
  const [start, end] = [Math.min(...session), Math.max(...session)];
  return `${START_MS + start * MINUTE_MS} ${START_MS + end * MINUTE_MS} ${session.length}`;
}

/** By the definition: in order of time, a new one begins after half an hour without an event. */
function naive(minutes: readonly number[]): number[][] {
  const sessions: number[][] = [];
  for (const minute of minutes.toSorted((a, b) => a - b)) {
    const last = sessions.at(-1);
    const gapMs = (minute - (last?.at(-1) ?? Number.NEGATIVE_INFINITY)) * MINUTE_MS;
    if (last && gapMs < SESSION_GAP_MS) last.push(minute);
    else sessions.push([minute]);
  }
  return sessions;
}

test("a session ends after half an hour without an event", () => {
  expect(sessionsOf([0, 29, 58, 88])).toEqual([[0, 29, 58], [88]]);
});

test("a late event joins the session that it is in, before or behind", () => {
  expect(sessionsOf([0, 20, 10])).toEqual([[0, 10, 20]]);
  expect(sessionsOf([100, 80])).toEqual([[80, 100]]);
  expect(sessionsOf([0, 100, 20])).toEqual([[0, 20], [100]]);
});

test("a late event between two sessions makes one of them", () => {
  expect(sessionsOf([0, 50, 25])).toEqual([[0, 25, 50]]);
});

test("whatever the order of events and the batches, sessions are those of the definition", () => {
  // Five hours before midnight and after it, and days later.
  const minute = fc.oneof(fc.nat(600), fc.nat(40), fc.integer({ min: 7000, max: 7100 }));
  fc.assert(
    fc.property(fc.array(minute, { maxLength: 40 }), fc.array(fc.nat(40)), (minutes, cuts) => {
      expect(sessionsOf(minutes, cuts)).toEqual(naive(minutes));
    }),
    { numRuns: 500 },
  );
});

test("what a bot does in the name of a visitor is a session of its own", () => {
  const { sessions, database } = open();
  const given: GivenEvent[] = [{ user: "u" }, { user: "u", more: { isBot: true } }, { user: "u" }];
  const found = logged(given).map((event) => ({ ...sessions.add(event) }));
  expect(found).toMatchObject([
    { visitor: 1, session: 1 },
    { visitor: 1, session: 2 },
    { visitor: 1, session: 1 },
  ]);
  database.close();
});

test("a user id is never taken for a hash, and an event with neither is of nobody", () => {
  const { sessions, database } = open();
  const given: GivenEvent[] = [
    { user: "abc" },
    { more: { visitor: "abc" } },
    {},
    { more: { visitor: "abc" } },
  ];
  const found = logged(given).map((event) => sessions.add(event).visitor);
  expect(found).toEqual([1, 2, 0, 2]);
  sessions.flush();
  sessions.write();
  expect(
    database.prepare("SELECT number, typeof(visitor) AS type FROM visitors ORDER BY number").all(),
  ).toEqual([
    { number: 1, type: "text" },
    { number: 2, type: "blob" },
  ]);
  database.close();
});
