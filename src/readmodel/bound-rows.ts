// Inserts the rows of events and of sessions, as a part of the caller's transaction, by binding their values.

import type { Database } from "better-sqlite3";
import { EVENT_TYPE, PATH, SITE_ID, TextReader, TIMESTAMP, USER_ID } from "../projector/event-texts.ts";
import { BulkInsert, fromColumns } from "./bulk-insert.ts";
import type { SessionColumns } from "./changes.ts";
import type { EventRows } from "./event-rows.ts";

export class BoundRows {
  readonly #events: BulkInsert;
  readonly #sessions: BulkInsert;
  readonly #sessionsOfOneView: BulkInsert;

  constructor(database: Database) {
    this.#events = new BulkInsert(database, "INSERT INTO events", 6, 5);
    const start = "INSERT OR REPLACE INTO sessions (site, period, stream, number, start_ms";
    const facts = "end_ms, events, pageviews, entry_ms, exit_ms";
    this.#sessions = new BulkInsert(database, `${start}, ${facts}, entry_path, exit_path)`, 12, 2);
    this.#sessionsOfOneView = new BulkInsert(database, `${start}, entry_path)`, 6, 1);
  }

  insertEvents({ ids, texts }: EventRows): void {
    const reader = new TextReader(texts);
    this.#events.insert(ids.length, (row, values, at) => {
      values[at] = ids[row] ?? null;
      values[at + 1] = reader.read(row, SITE_ID);
      values[at + 2] = reader.read(row, EVENT_TYPE);
      values[at + 3] = reader.read(row, PATH) || null;
      values[at + 4] = reader.read(row, USER_ID) || null;
      values[at + 5] = reader.read(row, TIMESTAMP);
    });
  }

  insertSessions({ ofOneView, others }: SessionColumns): void {
    const { paths } = ofOneView;
    this.#sessionsOfOneView.insert(paths.length, fromColumns([...ofOneView.numbers, paths]));
    const { entryPaths, exitPaths } = others;
    this.#sessions.insert(entryPaths.length, fromColumns([...others.numbers, entryPaths, exitPaths]));
  }
}
