// Counts the views of paths, by site and day, so that the most viewed ones of each day are at hand.
//
// Of a day with few paths each has a row, and they are put in order when they are asked for. Of a day with many, all are
// counted by their hashes (count-pages.ts), which takes a fraction of what rows by path take when each batch has paths from all
// over; and those have a row that can be among the most viewed: all above a floor. Views only grow in number, so what
// is below the floor stays there until it is viewed, and comes to have a row then when it is above. When these have become many,
// the floor rises.

import type { Database } from "better-sqlite3";
import type { DayViews } from "./changes.ts";
import { CountPages } from "./count-pages.ts";
import { type CountedTexts, countedTexts, toJson } from "./counted-texts.ts";
import { TextHash } from "./text-hash.ts";

export interface ListSizes {
  /** Up to so many paths of a day are few: reading them all takes a fraction of a millisecond. There may be as many more until
   *  they are looked at again, whatever their bytes. */
  readonly few: number;
  /** And up to so many bytes of paths, unless they are less than twice as many as an answer may have. */
  readonly fewBytes: number;
  /** No answer has more paths. */
  readonly most: number;
}

export const LIST_SIZES: ListSizes = { few: 4096, fewBytes: 512 * 1024, most: 1000 };

/** A day with many paths. */
interface ManyPaths {
  readonly id: number;
  readonly paths: number;
  readonly pages: number;
}

/** Paths with more views are above it, and of those with as many the ones up to the path. */
interface Floor {
  readonly views: number;
  readonly path: Buffer;
}

export class PathCounts {
  readonly #sizes: ListSizes;
  readonly #statements: Statements;
  readonly #pages: CountPages;
  readonly #hash: TextHash;

  constructor(database: Database, sizes: ListSizes) {
    this.#sizes = sizes;
    this.#statements = prepare(database);
    this.#pages = new CountPages(database);
    const key = this.#statements.key.get();
    if (!key) throw new Error("the read model lacks the key of its hashes");
    this.#hash = new TextHash(key);
  }

  add({ site, day, views, paths, different }: DayViews): void {
    const sum = this.#statements.addViews.get(site, day, views);
    if (sum === undefined) throw new Error("an upsert of one row has returned none");
    const { few } = this.#sizes;
    const many = this.#statements.many.get(site, day);
    if (many) this.#addToMany(site, day, many, countedTexts(paths, different));
    else if (different > few) this.#addAsMany(site, day, countedTexts(paths, different));
    else this.#statements.addRows.run({ site, day, paths });
    // After so many views as may have made few rows many.
    if (Math.floor((sum - views) / few) < Math.floor(sum / few)) this.#boundRows(site, day);
  }

  #boundRows(site: number, day: number): void {
    if (this.#areRowsFew(site, day)) return;
    if (this.#statements.many.get(site, day)) this.#raiseFloor(site, day);
    else this.#makeMany(site, day);
  }

  #areRowsFew(site: number, day: number): boolean {
    const { few, fewBytes, most } = this.#sizes;
    const some = this.#statements.countRows.get(site, day, Math.max(few, 2 * most) + 1);
    return !some || some.paths <= 2 * most || (some.paths <= few && some.bytes <= fewBytes);
  }

  /** Adds to a day with few paths more than are few: there must be rows for a floor first. */
  #addAsMany(site: number, day: number, texts: CountedTexts): void {
    const { few } = this.#sizes;
    const paths = toJson(texts, [...texts.counts.keys()].slice(0, few), texts.counts);
    this.#statements.addRows.run({ site, day, paths });
    this.#addToMany(site, day, this.#makeMany(site, day), partOf(texts, few));
  }

  /** Counts by hashes what has a row; the best rows remain. */
  #makeMany(site: number, day: number): ManyPaths {
    const rows = this.#statements.rows.all(site, day);
    const members = rows.map(({ path, views }) => `${JSON.stringify(path)}:${views}`);
    const texts = countedTexts(`{${members.join(",")}}`, rows.length);
    const { lastInsertRowid } = this.#statements.addMany.run(site, day);
    const many = this.#count({ id: Number(lastInsertRowid), paths: 0, pages: 1 }, texts).many;
    this.#raiseFloor(site, day);
    return many;
  }

  #addToMany(site: number, day: number, many: ManyPaths, texts: CountedTexts): void {
    const { totals } = this.#count(many, texts);
    let floor = this.#floorOf(site, day);
    let above: number[] = [];
    const addRows = () => {
      if (above.length === 0) return;
      const paths = toJson(texts, above, totals);
      this.#statements.putRows.run({ site, day, paths });
      above = [];
    };
    for (let place = 0; place < totals.length; place += 1) {
      if (!isAbove(floor, texts, place, totals[place] ?? 0)) continue;
      above.push(place);
      if (above.length < this.#sizes.few) continue;
      addRows();
      this.#boundRows(site, day);
      floor = this.#floorOf(site, day);
    }
    addRows();
  }

  /** Adds to the counts by hashes; what they come to. */
  #count({ id, paths, pages }: ManyPaths, texts: CountedTexts): { many: ManyPaths; totals: Float64Array } {
    const { bytes, starts, ends, counts } = texts;
    const hashes = this.#hash.of(bytes, starts, ends);
    const wanted = this.#pages.spread(id, pages, paths + counts.length);
    const totals = this.#pages.add(id, wanted, hashes, counts);
    const known = counts.filter((count, place) => (totals[place] ?? 0) > count).length;
    const many = { id, paths: paths + counts.length - known, pages: wanted };
    this.#statements.setMany.run(many);
    return { many, totals };
  }

  #floorOf(site: number, day: number): Floor {
    const floor = this.#statements.floor.get(site, day);
    if (!floor) throw new Error(`day ${day} of site ${site} has many paths, and no floor`);
    return { views: floor.floor_views, path: Buffer.from(floor.floor_path) };
  }

  #raiseFloor(site: number, day: number): void {
    const last = this.#statements.rowAt.get(site, day, this.#sizes.most - 1);
    if (!last) throw new Error(`day ${day} of site ${site} has too few rows for many paths`);
    const floor = { site, day, ...last };
    this.#statements.setFloor.run(floor);
    this.#statements.removeBelow.run(floor);
  }
}

/** Those from `from` on. */
function partOf({ bytes, starts, ends, counts }: CountedTexts, from: number): CountedTexts {
  return { bytes, starts: starts.subarray(from), ends: ends.subarray(from), counts: counts.subarray(from) };
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
    addViews: database
      .prepare<[number, number, number], number>(`
        INSERT INTO site_days (site, day, views, users) VALUES (?, ?, ?, 0)
        ON CONFLICT DO UPDATE SET views = views + excluded.views RETURNING views`)
      .pluck(),
    addRows: putRows("views + excluded.views"),
    putRows: putRows("excluded.views"),
    countRows: database.prepare<[number, number, number], { paths: number; bytes: number }>(`
      SELECT count(*) AS paths, total(octet_length(path)) AS bytes
      FROM (SELECT path FROM site_day_paths WHERE site = ? AND day = ? LIMIT ?)`),
    rows: database.prepare<[number, number], { path: string; views: number }>(
      "SELECT path, views FROM site_day_paths WHERE site = ? AND day = ?",
    ),
    rowAt: database.prepare<[number, number, number], { path: string; views: number }>(`
      SELECT path, views FROM site_day_paths WHERE site = ? AND day = ?
      ORDER BY views DESC, path LIMIT 1 OFFSET ?`),
    removeBelow: database.prepare<{ site: number; day: number; path: string; views: number }>(`
      DELETE FROM site_day_paths
      WHERE site = :site AND day = :day AND (views < :views OR (views = :views AND path > :path))`),
    many: database.prepare<[number, number], ManyPaths>(
      "SELECT id, paths, pages FROM many_paths WHERE site = ? AND day = ?",
    ),
    addMany: database.prepare<[number, number]>("INSERT INTO many_paths VALUES (NULL, ?, ?, 0, 1, 0, '')"),
    setMany: database.prepare<ManyPaths>(
      "UPDATE many_paths SET paths = :paths, pages = :pages WHERE id = :id",
    ),
    floor: database.prepare<[number, number], { floor_views: number; floor_path: string }>(
      "SELECT floor_views, floor_path FROM many_paths WHERE site = ? AND day = ?",
    ),
    setFloor: database.prepare<{ site: number; day: number; path: string; views: number }>(
      "UPDATE many_paths SET floor_views = :views, floor_path = :path WHERE site = :site AND day = :day",
    ),
  };
}
