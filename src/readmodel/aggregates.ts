// The aggregate tables: what a fold changes of a site on a day goes in with one statement for each table. Its keys are one
// JSON text, so that there is one value to bind and not three for each of them, and sorted, about as the trees have them:
// neighbours share pages.

import type { Database, Statement } from "better-sqlite3";
import type { DayChanges, SiteChanges } from "../projector/fold.ts";
import { ALL_TIME } from "./schema.ts";

export class Aggregates {
  readonly #addPaths: Statement<[number, number, string]>;
  readonly #addDay: Statement<[number, number, number, number]>;

  constructor(database: Database) {
    // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
    this.#addPaths = database.prepare(`
      INSERT INTO site_day_paths
      SELECT ?, ?, key, value FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET views = views + excluded.views`);
    this.#addDay = database.prepare(`
      INSERT INTO site_days VALUES (?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET views = views + excluded.views, users = users + excluded.users`);
  }

  /** Adds what changes for a site, to its days and to all time. */
  add(site: number, { users, days }: SiteChanges): void {
    for (const [day, changes] of days) this.#add(site, day, changes);
    this.#add(site, ALL_TIME, { ...sumOf([...days.values()]), users });
  }

  #add(site: number, day: number, { views, users, paths }: DayChanges): void {
    if (paths.size > 0) this.#addPaths.run(site, day, objectOf(paths));
    if (views > 0 || users > 0) this.#addDay.run(site, day, views, users);
  }
}

/** What days have together; users are not among it, as one can come on several of them. */
function sumOf(days: readonly DayChanges[]): Omit<DayChanges, "users"> {
  const [only] = days;
  if (only && days.length === 1) return only;
  const sum = { views: 0, paths: new Map<string, number>() };
  for (const { views, paths } of days) {
    sum.views += views;
    for (const [path, count] of paths) sum.paths.set(path, (sum.paths.get(path) ?? 0) + count);
  }
  return sum;
}

/** A JSON object, made by hand, as JavaScript's objects are slow with so many keys and have an order of their own. */
function objectOf(counts: ReadonlyMap<string, number>): string {
  const members = [...counts.keys()].sort().map((name) => `${JSON.stringify(name)}:${counts.get(name)}`);
  return `{${members.join(",")}}`;
}
