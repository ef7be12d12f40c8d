// The aggregate tables: what a fold changes of a site on a day goes in with one statement for each table. Its keys are one
// JSON text, so that there is one value to bind and not three for each of them, and sorted, about as the trees have them:
// neighbours share pages.

import type { Database, Statement } from "better-sqlite3";
import type { DayChanges } from "../projector/fold.ts";
import { ALL_TIME } from "./schema.ts";

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
      SELECT ?, ?, key, value FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET views = views + excluded.views`);
    this.#addDay = database.prepare(`
      INSERT INTO site_days VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET views = views + excluded.views, users = users + excluded.users`);
  }

  /** Adds what changes for a site on a day, to that day and to all time. */
  add(site: number, day: number, { views, users, paths }: DayChanges): void {
    const userIds = JSON.stringify([...users].sort());
    const viewsByPath = objectOf(paths);
    for (const range of [day, ALL_TIME]) {
      const newUsers = users.size > 0 ? this.#addUsers.run(site, range, userIds).changes : 0;
      if (paths.size > 0) this.#addPaths.run(site, range, viewsByPath);
      if (views > 0 || newUsers > 0) this.#addDay.run(site, range, views, newUsers);
    }
  }
}

/** A JSON object, made by hand, as JavaScript's objects are slow with so many keys and have an order of their own. */
function objectOf(counts: ReadonlyMap<string, number>): string {
  const members = [...counts.keys()].sort().map((name) => `${JSON.stringify(name)}:${counts.get(name)}`);
  return `{${members.join(",")}}`;
}
