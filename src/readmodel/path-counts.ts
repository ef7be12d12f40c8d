// Counts the views of paths, by site and day, and lists those that can be among the most viewed.
//
// To keep an index of all paths by their views costs more than to count them: each view moves a path in it. So a day with few
// paths has none listed, and they are put in order when they are asked for. On a day with many, those are listed that have more
// views than its floor, which rises: enough of them for an answer, or all that were seen more than once. Both are looked at
// after so many views as may have made few paths many.

import type { Database } from "better-sqlite3";
import type { DayViews } from "./changes.ts";

export interface ListSizes {
  /** Up to so many paths of a day are few: reading them all takes a fraction of a millisecond. There may be twice as many for a
   *  while. */
  readonly few: number;
  /** And up to so many bytes of paths. */
  readonly fewBytes: number;
  /** No answer has more paths. */
  readonly most: number;
}

export const LIST_SIZES: ListSizes = { few: 4096, fewBytes: 512 * 1024, most: 1000 };

/** The floor of a day that has none: no path is above it. */
const NO_FLOOR = Number.MAX_SAFE_INTEGER;

export class PathCounts {
  readonly #sizes: ListSizes;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database, sizes: ListSizes) {
    this.#sizes = sizes;
    this.#statements = prepare(database);
  }

  add({ site, day, views, paths }: DayViews): void {
    const counted = this.#statements.addViews.get(site, day, views);
    if (!counted) throw new Error("an upsert of one row has returned none");
    const { floor } = counted;
    this.#statements.addPaths.run({ site, day, paths, floor: floor ?? NO_FLOOR });
    const { few } = this.#sizes;
    if (Math.floor((counted.views - views) / few) === Math.floor(counted.views / few)) return;
    if (floor === null) this.#listWhenMany(site, day);
    else this.#raiseFloor(site, day, floor);
  }

  #listWhenMany(site: number, day: number): void {
    const { few, fewBytes } = this.#sizes;
    const some = this.#statements.countUpTo.get(site, day, few + 1);
    if (some && some.paths <= few && some.bytes <= fewBytes) return;
    this.#statements.setFloor.run(1, site, day);
    this.#statements.listAbove.run(site, day, 1);
  }

  /** What is listed below a floor leaves the list when it is viewed, or stays. */
  #raiseFloor(site: number, day: number, floor: number): void {
    const views = this.#statements.viewsOfListed.get(site, day, this.#sizes.most - 1);
    if (views !== undefined && views - 1 > floor) this.#statements.setFloor.run(views - 1, site, day);
  }
}

function prepare(database: Database) {
  return {
    addViews: database.prepare<[number, number, number], { views: number; floor: number | null }>(`
      INSERT INTO site_days (site, day, views, users) VALUES (?, ?, ?, 0)
      ON CONFLICT DO UPDATE SET views = views + excluded.views RETURNING views, floor`),
    // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
    addPaths: database.prepare<{ site: number; day: number; paths: string; floor: number }>(`
      INSERT INTO site_day_paths
      SELECT :site, :day, key, value, value > :floor FROM json_each(:paths) WHERE true
      ON CONFLICT DO UPDATE SET views = views + excluded.views, listed = views + excluded.views > :floor`),
    countUpTo: database.prepare<[number, number, number], { paths: number; bytes: number }>(`
      SELECT count(*) AS paths, total(octet_length(path)) AS bytes
      FROM (SELECT path FROM site_day_paths WHERE site = ? AND day = ? LIMIT ?)`),
    setFloor: database.prepare("UPDATE site_days SET floor = ? WHERE site = ? AND day = ?"),
    listAbove: database.prepare(
      "UPDATE site_day_paths SET listed = 1 WHERE site = ? AND day = ? AND views > ?",
    ),
    viewsOfListed: database
      .prepare<[number, number, number], number>(`
        SELECT views FROM site_day_paths INDEXED BY site_day_paths_ranked
        WHERE site = ? AND day = ? AND listed = 1 ORDER BY views DESC, path LIMIT 1 OFFSET ?`)
      .pluck(),
  };
}
