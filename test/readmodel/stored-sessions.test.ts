import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { BoundRows } from "../../src/readmodel/bound-rows.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { PERIOD_MS } from "../../src/readmodel/session-periods.ts";
import { SessionRows } from "../../src/readmodel/session-rows.ts";
import { StoredSessions } from "../../src/readmodel/stored-sessions.ts";
import { newSession } from "../../src/readmodel/streams.ts";

const SITE = 1;
const STREAM = 2;
const MOST_PERIODS = 40;

/** A database with a session of so many periods, from the first one on, and another stream's beside it. */
function databaseWith(periods: number): Database.Database {
  const database = new Database(":memory:");
  database.exec(SCHEMA);
  const rows = new SessionRows();
  for (const [number, stream] of [
    [5, STREAM],
    [6, STREAM + 2],
  ] as const) {
    const session = newSession(number, stream, 0);
    const lengthMs = (periods - 1) * PERIOD_MS + 1;
    rows.add(SITE, [Object.assign(session, { lengthMs, events: 9 })]);
  }
  new BoundRows(database).insertSessions(rows.columns());
  return database;
}

test("a session is found from each of its periods, however many there are", () => {
  for (let periods = 1; periods <= MOST_PERIODS; periods += 1) {
    const database = databaseWith(periods);
    const sessions = new StoredSessions(database);
    for (let period = 0; period < periods; period += 1) {
      const found = sessions.ofPeriods(SITE, [period], STREAM);
      const lengthMs = (periods - 1) * PERIOD_MS + 1;
      expect(found).toMatchObject([{ number: 5, stream: STREAM, startMs: 0, lengthMs, events: 9 }]);
    }
    expect(sessions.ofPeriods(SITE, [periods], STREAM)).toEqual([]);
    database.close();
  }
});

test("a session without the row of its last period is refused", () => {
  const database = databaseWith(7);
  database.exec("DELETE FROM sessions WHERE period = 6");
  expect(() => new StoredSessions(database).ofPeriods(SITE, [2], STREAM)).toThrow(
    "session 5 of site 1 has no row of its last period",
  );
  database.close();
});
