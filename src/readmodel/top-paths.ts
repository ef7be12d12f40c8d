// Reads the most viewed paths of a day.

import type { Database } from "better-sqlite3";
import { fewPathsReader } from "./few-paths.ts";
import { mostViewed } from "./most-viewed.ts";
import type { PathViews } from "./reports.ts";

/** By views, then by path: at most `limit`. */
export type TopPaths = (site: number, day: number, limit: number) => PathViews[];

export function topPathsReader(database: Database): TopPaths {
  const ofRows = database.prepare<[number, number, number], PathViews>(`
    SELECT path, views FROM site_day_paths
    WHERE site = ? AND day = ? ORDER BY views DESC, path LIMIT ?`);
  const fromRows: TopPaths = (site, day, limit) => ofRows.all(site, day, limit);
  if (isRanked(database)) return earlierReader(database, fromRows);
  if (!hasLists(database)) return fromRows;
  const few = fewPathsReader(database);
  return (site, day, limit) => {
    const list = few(site, day);
    return list.paths.length > 0 ? mostViewed(list, limit) : fromRows(site, day, limit);
  };
}

/** Until it is built anew, a read model of version 10 or 11 has rows of the few paths of a day, too. */
function hasLists(database: Database): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'few_paths'").get() !== undefined;
}

/** Until it is built anew, a read model of version 8 or 9 has all paths of a day, of which an index has those by views that can be
 *  among the first. */
function isRanked(database: Database): boolean {
  const index = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'site_day_paths_ranked'");
  return index.get() !== undefined;
}

/** Version 8 has all in the index that were seen more than once; version 9 those above the day's floor, where there is one. Either
 *  there are enough in it, or all that were seen more than once: then the second read passes over these, and no others. */
function earlierReader(database: Database, fromRows: TopPaths): TopPaths {
  const hasFloors = database
    .prepare("SELECT 1 FROM pragma_table_info('site_days') WHERE name = 'floor'")
    .get();
  const [floor, isListed] = hasFloors ? ["floor", "listed = 1"] : ["1", "views > 1"];
  const floorOf = database
    .prepare<[number, number], number | null>(`SELECT ${floor} FROM site_days WHERE site = ? AND day = ?`)
    .pluck();
  const listed = database.prepare<[number, number, number], PathViews>(`
    SELECT path, views FROM site_day_paths INDEXED BY site_day_paths_ranked
    WHERE site = ? AND day = ? AND ${isListed} ORDER BY views DESC, path LIMIT ?`);
  const seenOnce = database.prepare<[number, number, number], PathViews>(`
    SELECT path, views FROM site_day_paths
    WHERE site = ? AND day = ? AND views = 1 ORDER BY path LIMIT ?`);
  return (site, day, limit) => {
    if (floorOf.get(site, day) === null) return fromRows(site, day, limit);
    const first = listed.all(site, day, limit);
    return first.length < limit ? [...first, ...seenOnce.all(site, day, limit - first.length)] : first;
  };
}
