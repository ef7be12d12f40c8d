// The aggregate tables: what a fold changes of a site goes in with one statement for each day and table. Its keys are one
// JSON array, so that there is one value to bind and not three for each of them, and sorted, about as the trees have
// them: neighbours share pages.

import type { Database, Statement } from "better-sqlite3";
import type { DayChanges } from "../projector/fold.ts";

export class Aggregates {
  readonly #addUsers: Statement<[number, number, string]>;
  readonly #addPaths: Statement<[number, number, string]>;
  readonly #addDay: Statement<[number, number, number, number]>;

  constructor(database: Database) {
    // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
    this.#addUsers = database.prepare(`
      INSERT INTO site_day_users SELECT ?, ?, value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING`);
    this.#addPaths = database.prepare(`
      INSERT INTO site_day_paths
      SELECT ?, ?, substr(value, instr(value, ' ') + 1), CAST(value AS INTEGER) FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET views = views + excluded.views`);
    this.#addDay = database.prepare(`
      INSERT INTO site_days VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET views = views + excluded.views, users = users + excluded.users`);
  }

  /** Adds what changes of a site, by day. */
  add(site: number, days: ReadonlyMap<number, DayChanges>): void {
    let rows: { readonly of: DayChanges; readonly users: string; readonly paths: string } | undefined;
    for (const [day, changes] of days) {
      // All time of a single day has the same changes.
      if (rows?.of !== changes) rows = { of: changes, users: usersOf(changes), paths: pathsOf(changes) };
      const newUsers = changes.users.size > 0 ? this.#addUsers.run(site, day, rows.users).changes : 0;
      if (changes.paths.size > 0) this.#addPaths.run(site, day, rows.paths);
      if (changes.views > 0 || newUsers > 0) this.#addDay.run(site, day, changes.views, newUsers);
    }
  }
}

function usersOf({ users }: DayChanges): string {
  return JSON.stringify([...users].sort());
}

/** Each with its views before it: "3 /path". */
function pathsOf({ paths }: DayChanges): string {
  return JSON.stringify([...paths.keys()].sort().map((path) => `${paths.get(path)} ${path}`));
}
