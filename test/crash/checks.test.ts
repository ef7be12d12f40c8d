import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import {
  checkCounted,
  checkLog,
  checkOffsets,
  checkReceiptTimes,
  checkTotals,
  type LogEntry,
  totalsOf,
} from "./checks.ts";
import { Ledger, markerOf, type SentEvent } from "./ledger.ts";
import { checkTables } from "./tables.ts";

/** With an id of its sender. */
const WITH_ID = event("m.1.0.1", { eventId: "m.1.0.1", path: "/page/1/m.1.0.1", userId: "u1" });
/** Without one. */
const WITHOUT_ID = event("m.1.0.2", { path: "/page/1", userId: "m.1.0.2", timestamp: "" });

describe("the log against what was sent", () => {
  test("is right when it has each event as often as it was sent and acknowledged", () => {
    const ledger = acknowledged(WITH_ID, WITH_ID, WITHOUT_ID);
    expect(checkLog(ledger.entries, logOf(WITH_ID, WITHOUT_ID, WITH_ID))).toEqual([]);
  });

  test("may have what was sent and not acknowledged, or not", () => {
    const ledger = new Ledger();
    ledger.sending([WITH_ID, WITHOUT_ID]);
    expect(checkLog(ledger.entries, [])).toEqual([]);
    expect(checkLog(ledger.entries, logOf(WITH_ID, WITHOUT_ID))).toEqual([]);
  });

  test.for([WITH_ID, WITHOUT_ID])("lacks an acknowledged event", (lost) => {
    const ledger = acknowledged(WITH_ID, WITHOUT_ID);
    const log = logOf(...[WITH_ID, WITHOUT_ID].filter((kept) => kept !== lost));
    expect(checkLog(ledger.entries, log)).toMatchObject([{ kind: "lost" }]);
  });

  test("lacks one of two acknowledged sends of an event", () => {
    expect(checkLog(acknowledged(WITH_ID, WITH_ID).entries, logOf(WITH_ID))).toMatchObject([
      { kind: "lost" },
    ]);
  });

  test("has an event more often than it was sent", () => {
    const log = logOf(WITHOUT_ID, WITHOUT_ID);
    expect(checkLog(acknowledged(WITHOUT_ID).entries, log)).toMatchObject([{ kind: "doubled" }]);
  });

  test("has an event that was never sent", () => {
    expect(checkLog(new Ledger().entries, logOf(WITH_ID))).toMatchObject([{ kind: "invented" }]);
    const unmarked = { ...WITH_ID, path: "/", userId: "u" };
    expect(checkLog(new Ledger().entries, logOf(unmarked))).toMatchObject([{ kind: "invented" }]);
  });

  test.for(["siteId", "eventType", "path", "userId", "timestamp", "eventId"] as const)(
    "has an event with another %s than it was sent with",
    (field) => {
      const changed = { ...WITH_ID, [field]: `other/${WITH_ID.marker}` };
      expect(checkLog(acknowledged(WITH_ID).entries, logOf(changed))).toMatchObject([{ kind: "invented" }]);
    },
  );
});

describe("what counts in the statistics", () => {
  const log = logOf(WITH_ID, WITH_ID, WITHOUT_ID);
  const sent = acknowledged(WITH_ID, WITH_ID, WITHOUT_ID).entries;

  test("is each event once, however often one with an id was sent", () => {
    expect(checkCounted(sent, log, [WITH_ID, WITHOUT_ID])).toEqual([]);
  });

  test.for([WITH_ID, WITHOUT_ID])("lacks an event", (lost) => {
    const rows = [WITH_ID, WITHOUT_ID].filter((kept) => kept !== lost);
    expect(checkCounted(sent, log, rows)).toMatchObject([{ kind: "lost" }]);
  });

  test.for([WITH_ID, WITHOUT_ID])("has an event twice", (doubled) => {
    const rows = [WITH_ID, WITHOUT_ID, doubled];
    expect(checkCounted(sent, log, rows)).toMatchObject([{ kind: "doubled" }]);
  });

  test("has an event that was never sent", () => {
    const rows = [WITH_ID, WITHOUT_ID, { path: "/", userId: "m.9.9.9" }];
    expect(checkCounted(sent, log, rows)).toMatchObject([{ kind: "invented" }]);
  });

  test("has an event that is not in the log", () => {
    const ledger = new Ledger();
    ledger.sending([WITH_ID]);
    expect(checkCounted(ledger.entries, [], [WITH_ID])).toMatchObject([{ kind: "doubled" }]);
  });
});

describe("the order of the log", () => {
  const log = logOf(WITH_ID, WITHOUT_ID, WITH_ID);

  test("is right when offsets count from 0 and times stand still or grow", () => {
    expect(checkOffsets(log)).toEqual([]);
    expect(checkReceiptTimes(log)).toEqual([]);
    expect(checkReceiptTimes(log.map((entry) => ({ ...entry, receivedAtMs: 7 })))).toEqual([]);
  });

  test.for([0, 1])("has a hole at offset %i", (missing) => {
    const holed = log.filter(({ offset }) => offset !== missing);
    expect(checkOffsets(holed)).toMatchObject([{ kind: "disorder" }]);
  });

  test("has an offset twice", () => {
    expect(checkOffsets([...log, ...log.slice(-1)])).toMatchObject([{ kind: "disorder" }]);
  });

  test("has a time of receipt that goes back", () => {
    const back = log.map((entry) => ({ ...entry, receivedAtMs: 10 - entry.offset }));
    expect(checkReceiptTimes(back)).toMatchObject([{ kind: "disorder" }]);
  });
});

describe("the statistics", () => {
  const due = totalsOf(logOf(WITH_ID, WITH_ID, WITHOUT_ID, { ...WITHOUT_ID, eventType: "click" }));

  test("count views and distinct users of what counts", () => {
    expect(due).toEqual(new Map([["s", { views: 2, users: 2 }]]));
  });

  test("are right when they are answered so", () => {
    expect(checkTotals(due, new Map(due))).toEqual([]);
  });

  test.for([
    { views: 3, users: 2 },
    { views: 2, users: 1 },
  ])("are answered wrongly: %o", (answer) => {
    expect(checkTotals(due, new Map([["s", answer]]))).toMatchObject([{ kind: "statistics" }]);
  });

  test("lack a site", () => {
    expect(checkTotals(due, new Map())).toMatchObject([{ kind: "statistics" }]);
  });
});

describe("the tables", () => {
  const same = "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL);";

  test("are the same when all rows are, in whatever order", () => {
    const other = "CREATE TABLE t (a INTEGER, b TEXT); INSERT INTO t VALUES (2, NULL), (1, 'x');";
    expect(checkTables(database(same), database(other))).toEqual([]);
  });

  test.for([
    ["a value", "UPDATE t SET b = 'y' WHERE a = 1"],
    ["a value that is null", "UPDATE t SET b = '' WHERE a = 2"],
    ["the type of a value", "UPDATE t SET b = x'78' WHERE a = 1"],
    ["a missing row", "DELETE FROM t WHERE a = 2"],
    ["a further row", "INSERT INTO t VALUES (3, 'z')"],
    ["a row twice", "INSERT INTO t VALUES (1, 'x')"],
    ["a further column", "ALTER TABLE t ADD COLUMN c"],
    ["a missing table", "DROP TABLE t"],
    ["a further table", "CREATE TABLE u (a)"],
  ] as const)("differ by %s", ([, change]) => {
    expect(checkTables(database(same), database(same, change))).toMatchObject([{ kind: "tables" }]);
    expect(checkTables(database(same, change), database(same))).toMatchObject([{ kind: "tables" }]);
  });
});

test("a marker is found at the end of a path or in a user id", () => {
  expect(markerOf("/page/1/m.1.2.3", "u1")).toBe("m.1.2.3");
  expect(markerOf("/page/1", "m.1.2.3")).toBe("m.1.2.3");
  expect(markerOf("/page/1", null)).toBe("");
});

function event(marker: string, fields: Partial<SentEvent>): SentEvent {
  const defaults = { siteId: "s", eventType: "page_view", path: "", userId: "", eventId: "" };
  return { marker, ...defaults, timestamp: "2024-02-29T00:00:00Z", ...fields };
}

function acknowledged(...events: readonly SentEvent[]): Ledger {
  const ledger = new Ledger();
  for (const sent of events) {
    ledger.sending([sent]);
    ledger.acknowledge([sent]);
  }
  return ledger;
}

function logOf(...events: readonly SentEvent[]): LogEntry[] {
  return events.map(({ siteId, eventType, path, userId, timestamp, eventId }, offset) => ({
    ...{ offset, siteId, eventType, path, userId, eventId },
    receivedAtMs: 1000 + offset,
    timestamp: timestamp || "2026-01-01T00:00:00.000Z",
  }));
}

function database(...statements: readonly string[]): Database.Database {
  const made = new Database(":memory:");
  for (const statement of statements) made.exec(statement);
  return made;
}
