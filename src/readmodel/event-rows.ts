// The rows of the table `events`.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import { placeholders, ROWS_AT_A_TIME } from "./bulk-insert.ts";

type Value = string | number | null;

const COLUMNS = 6;

export class EventRows {
  readonly #insertMany: Statement<Value[]>;
  readonly #insertOne: Statement<Value[]>;
  readonly #values: Value[] = [];

  constructor(database: Database) {
    const insert = (rows: number) =>
      database.prepare<Value[]>(`INSERT INTO events VALUES ${placeholders(COLUMNS, rows)}`);
    this.#insertMany = insert(ROWS_AT_A_TIME);
    this.#insertOne = insert(1);
  }

  /** Takes an event; it may be inserted later. */
  add({ offset, siteId, eventType, path, userId, timestamp }: LoggedEvent): void {
    const values = this.#values;
    values.push(offset + 1, siteId, eventType, path || null, userId || null, timestamp);
    if (values.length < ROWS_AT_A_TIME * COLUMNS) return;
    // As arguments: values in an array take longer to bind.
    this.#insertMany.run(...values);
    values.length = 0;
  }

  /** Inserts what was taken. */
  flush(): void {
    for (let at = 0; at < this.#values.length; at += COLUMNS) {
      this.#insertOne.run(...this.#values.slice(at, at + COLUMNS));
    }
    this.clear();
  }

  /** Drops what was taken and not inserted, as when the transaction is rolled back. */
  clear(): void {
    this.#values.length = 0;
  }
}
