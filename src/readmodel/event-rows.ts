// The rows of the table `events`.

import type { Database } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import { BulkInsert } from "./bulk-insert.ts";

const COLUMNS = 6;

export class EventRows {
  readonly #rows: BulkInsert;

  constructor(database: Database) {
    this.#rows = new BulkInsert(database, "INSERT INTO events", COLUMNS);
  }

  /** Takes an event; it may be inserted later. */
  add({ offset, siteId, eventType, path, userId, timestamp }: LoggedEvent): void {
    this.#rows.add(offset + 1, siteId, eventType, path || null, userId || null, timestamp);
  }

  /** Inserts what was taken. */
  flush(): void {
    this.#rows.flush();
  }

  /** Drops what was taken and not inserted, as when the transaction is rolled back. */
  clear(): void {
    this.#rows.clear();
  }
}
