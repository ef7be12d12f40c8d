// Counts the views of paths, by site and day, so that the most viewed ones of each day are at hand.
//
// Of a day with few paths each has a row, and they are put in order when they are asked for. Of a day with many, all are
// counted by their hashes (count-lists.ts), which takes a fraction of what rows by path take when each batch has paths from all
// over; and those have a row that can be among the most viewed: all above a floor. Views only grow in number, so what
// is below the floor stays there until it is viewed, and comes to have a row then when it is above. When these have become many,
// the floor rises.

import type { Database } from "better-sqlite3";
import type { DayViews } from "./changes.ts";
import { COUNT_LIST_SIZES, type CountList, type CountListSizes, CountLists } from "./count-lists.ts";
import { type CountedTexts, countedTexts, toJson } from "./counted-texts.ts";
import { Growth } from "./growth.ts";
import { TextHash } from "./text-hash.ts";

export interface PathSizes extends CountListSizes {
  /** No answer has more paths. Up to twice as many of a day are few: reading them all takes a fraction of a millisecond. */
  readonly most: number;
  /** Whether rows have become many is looked at when there may be `most` more of them, or so many bytes. */
  readonly bytes: number;
}

export const PATH_SIZES: PathSizes = { ...COUNT_LIST_SIZES, most: 1000, bytes: 512 * 1024 };

/** A day with many paths. Those are above the floor that have more views, and of those with as many the ones up to the path. */
interface ManyPaths extends CountList {
  readonly floorViews: number;
  readonly floorPath: string;
}

export class PathCounts {
  readonly #sizes: PathSizes;
  readonly #statements: Statements;
  readonly #lists: CountLists;
  readonly #hash: TextHash;
  /** Of the rows since they were looked at. */
  readonly #growth: Growth;

  constructor(database: Database, sizes: PathSizes) {
    this.#sizes = sizes;
    this.#statements = prepare(database);
    this.#lists = new CountLists(database, sizes);
    const key = this.#statements.key.get();
    if (!key) throw new Error("the read model lacks the key of its hashes");
    this.#hash = new TextHash(key);
    this.#growth = new Growth(sizes.most, sizes.bytes);
  }

  add({ site, day, views, paths, different }: DayViews): void {
    this.#statements.addViews.run(site, day, views);
    let many = this.#statements.many.get(site, day);
    if (!many && different > 2 * this.#sizes.most) many = this.#makeMany(site, day);
    if (many) this.#addToMany(site, day, many, countedTexts(paths, different));
    else {
      this.#statements.addRows.run({ site, day, paths });
      this.#boundRows(site, day, different, paths.length);
    }
  }

  /** Counts by hashes what has a row; all of it is above the floor. */
  #makeMany(site: number, day: number): ManyPaths {
    const rows = this.#statements.rows.all(site, day);
    const { lastInsertRowid } = this.#statements.addMany.run(site, day);
    const list = { id: Number(lastInsertRowid), texts: 0, pages: 1, runs: 0, waiting: 0 };
    const paths = toJson(rows.map(({ path, views }) => [path, views]));
    return { ...this.#count(list, countedTexts(paths, rows.length)).list, floorViews: 0, floorPath: "" };
  }

  #addToMany(site: number, day: number, many: ManyPaths, texts: CountedTexts): void {
    const { totals } = this.#count(many, texts);
    let floor = floorOf(many);
    let above: [path: string, views: number][] = [];
    let bytes = 0;
    const addRows = () => {
      if (above.length === 0) return;
      this.#statements.putRows.run({ site, day, paths: toJson(above) });
      if (this.#boundRows(site, day, above.length, bytes))
        floor = floorOf(this.#statements.many.get(site, day));
      above = [];
      bytes = 0;
    };
    for (let place = 0; place < totals.length; place += 1) {
      const views = totals[place] ?? 0;
      if (!isAbove(floor, texts, place, views)) continue;
      const [start, end] = [texts.starts[place] ?? 0, texts.ends[place] ?? 0];
      above.push([texts.bytes.toString("utf8", start, end), views]);
      bytes += end - start;
      if (above.length === this.#sizes.most || bytes >= this.#sizes.bytes) addRows();
    }
    addRows();
  }

  /** Adds to the counts by hashes; what they come to. */
  #count(list: CountList, { bytes, starts, ends, counts }: CountedTexts) {
    const added = this.#lists.add(list, this.#hash.of(bytes, starts, ends), counts);
    this.#statements.setMany.run(added.list);
    return added;
  }

  /** Is told of rows that may be new. Whether the floor has risen. */
  #boundRows(site: number, day: number, rows: number, bytes: number): boolean {
    if (!this.#growth.add(site, day, rows, bytes)) return false;
    const few = 2 * this.#sizes.most;
    if ((this.#statements.countRows.get(site, day, few + 1) ?? 0) <= few) return false;
    if (!this.#statements.many.get(site, day)) this.#makeMany(site, day);
    this.#raiseFloor(site, day);
    return true;
  }

  #raiseFloor(site: number, day: number): void {
    const last = this.#statements.rowAt.get(site, day, this.#sizes.most - 1);
    if (!last) throw new Error(`day ${day} of site ${site} has too few rows for many paths`);
    const floor = { site, day, ...last };
    this.#statements.setFloor.run(floor);
    this.#statements.removeBelow.run(floor);
  }
}

interface Floor {
  readonly views: number;
  readonly path: Buffer;
}

function floorOf(many: ManyPaths | undefined): Floor {
  if (!many) throw new Error("a day with many paths has none any more");
  return { views: many.floorViews, path: Buffer.from(many.floorPath) };
}

function isAbove(floor: Floor, texts: CountedTexts, place: number, views: number): boolean {
  if (views !== floor.views) return views > floor.views;
  const start = texts.starts[place] ?? 0;
  const end = texts.ends[place] ?? 0;
  return texts.bytes.compare(floor.path, 0, floor.path.length, start, end) <= 0;
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
  const putRows = (views: string) =>
    database.prepare<{ site: number; day: number; paths: string }>(`
      INSERT INTO site_day_paths SELECT :site, :day, key, value FROM json_each(:paths) WHERE true
      ON CONFLICT DO UPDATE SET views = ${views}`);
  return {
    key: database.prepare<[], Buffer>("SELECT key FROM path_key").pluck(),
    addViews: database.prepare<[number, number, number]>(`
      INSERT INTO site_days (site, day, views, users) VALUES (?, ?, ?, 0)
      ON CONFLICT DO UPDATE SET views = views + excluded.views`),
    addRows: putRows("views + excluded.views"),
    putRows: putRows("excluded.views"),
    countRows: database
      .prepare<[number, number, number], number>(`
        SELECT count(*) FROM (SELECT 1 FROM site_day_paths WHERE site = ? AND day = ? LIMIT ?)`)
      .pluck(),
    rows: database.prepare<[number, number], { path: string; views: number }>(
      "SELECT path, views FROM site_day_paths WHERE site = ? AND day = ?",
    ),
    rowAt: database.prepare<[number, number, number], { path: string; views: number }>(`
      SELECT path, views FROM site_day_paths WHERE site = ? AND day = ?
      ORDER BY views DESC, path LIMIT 1 OFFSET ?`),
    removeBelow: database.prepare<{ site: number; day: number; path: string; views: number }>(`
      DELETE FROM site_day_paths
      WHERE site = :site AND day = :day AND (views < :views OR (views = :views AND path > :path))`),
    many: database.prepare<[number, number], ManyPaths>(`
      SELECT id, paths AS texts, pages, runs, waiting, floor_views AS floorViews, floor_path AS floorPath
      FROM many_paths WHERE site = ? AND day = ?`),
    addMany: database.prepare<[number, number]>(
      "INSERT INTO many_paths VALUES (NULL, ?, ?, 0, 1, 0, 0, 0, '')",
    ),
    setMany: database.prepare<CountList>(`
      UPDATE many_paths SET paths = :texts, pages = :pages, runs = :runs, waiting = :waiting WHERE id = :id`),
    setFloor: database.prepare<{ site: number; day: number; path: string; views: number }>(
      "UPDATE many_paths SET floor_views = :views, floor_path = :path WHERE site = :site AND day = :day",
    ),
  };
}
