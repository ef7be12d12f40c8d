// Counts the views of paths, by site and day, so that the most viewed ones of each day are at hand.
//
// A day with few paths has a list of them (few-paths.ts). Of a day with many, all are counted by their hashes (count-lists.ts), which
// takes a fraction of what a list takes when each batch has paths from all over; and those have a row that can be among the most
// viewed: all above a floor. Views only grow in number, so what is below the floor stays there until it is viewed, and comes to have
// a row then when it is above. When these have become many, the floor rises.

import type { Database } from "better-sqlite3";
import { COUNT_LIST_SIZES, type CountList, type CountListSizes, CountLists } from "./count-lists.ts";
import { type CountedTexts, countedTexts, textAt } from "./counted-texts.ts";
import type { DayViews } from "./day-views.ts";
import { FewPaths, type PathList, type RunSizes } from "./few-paths.ts";
import { above } from "./floor.ts";
import { Growth } from "./growth.ts";
import { hashKeyOf } from "./hash-key.ts";
import { mostViewed } from "./most-viewed.ts";
import type { PathViews } from "./reports.ts";
import { TextHash } from "./text-hash.ts";

export interface PathSizes extends CountListSizes {
  /** No answer has more paths. Up to twice as many of a day are few: reading them all takes a fraction of a millisecond. */
  readonly most: number;
  /** With more characters they are many. */
  readonly fewCharacters: number;
  /** Whether rows have become too many is looked at when there may be `most` more of them, or so many characters. */
  readonly characters: number;
  /** Of the runs beside a list of few paths. */
  readonly beside: RunSizes;
}

export const PATH_SIZES: PathSizes = {
  ...COUNT_LIST_SIZES,
  ...{ most: 1000, fewCharacters: 128 * 1024, characters: 512 * 1024 },
  beside: { share: 0.25, bytes: 4096, paths: 256 },
};

/** Those for the thread that writes large batches: what takes least to write takes more to read. */
export const PATH_SIZES_AHEAD: PathSizes = { ...PATH_SIZES, beside: { ...PATH_SIZES.beside, share: 1 } };

/** A day with many paths, and its floor (floor.ts). */
interface ManyPaths extends CountList {
  readonly floorViews: number;
  readonly floorPath: string;
}

export class PathCounts {
  readonly #sizes: PathSizes;
  readonly #statements: Statements;
  readonly #few: FewPaths;
  readonly #lists: CountLists;
  readonly #hash: TextHash;
  /** Of the rows since they were looked at. */
  readonly #growth: Growth;

  constructor(database: Database, sizes: PathSizes) {
    this.#sizes = sizes;
    this.#statements = prepare(database);
    this.#few = new FewPaths(database, sizes.beside);
    this.#lists = new CountLists(database, sizes);
    this.#hash = new TextHash(hashKeyOf(database));
    this.#growth = new Growth(sizes.most, sizes.characters);
  }

  add(site: number, { day, views, paths }: DayViews): void {
    this.#statements.addViews.run(site, day, views);
    const many = this.#statements.many.get(site, day);
    if (many) this.#addToMany(site, day, many, paths);
    else if (paths.counts.length > 2 * this.#sizes.most) {
      this.#addToMany(site, day, this.#makeMany(site, day), paths);
    } else this.#addToFew(site, day, paths);
  }

  #addToFew(site: number, day: number, { counts, ...texts }: CountedTexts): void {
    if (counts.length === 0) return;
    const views = [...counts];
    const all = this.#few.add(site, day, { paths: views.map((_, place) => textAt(texts, place)), views });
    if (all && this.#areMany(all)) this.#makeMany(site, day);
  }

  #areMany({ paths }: PathList): boolean {
    const { most, fewCharacters } = this.#sizes;
    return paths.length > 2 * most || charactersOf(paths) > fewCharacters;
  }

  /** Counts by hashes what is in a list. The most viewed of it get a row, or all where it has not too many. */
  #makeMany(site: number, day: number): ManyPaths {
    const { most } = this.#sizes;
    const all = this.#few.take(site, day);
    const hasTooMany = all.paths.length > 2 * most;
    const rows = mostViewed(all, hasTooMany ? most : all.paths.length);
    const last = hasTooMany ? rows.at(-1) : undefined;
    const floor = { floorViews: last?.views ?? 0, floorPath: last?.path ?? "" };
    const { lastInsertRowid } = this.#statements.addMany.run({ site, day, ...floor });
    this.#statements.putRows.run({ site, day, paths: toJson(rows) });
    const list = { id: Number(lastInsertRowid), texts: 0, pages: 1, runs: 0, waiting: 0 };
    return { ...this.#count(list, countedTexts(all.paths, all.views)).list, ...floor };
  }

  #addToMany(site: number, day: number, many: ManyPaths, paths: CountedTexts): void {
    const { totals } = this.#count(many, paths);
    const floor = { count: many.floorViews, text: Buffer.from(many.floorPath) };
    const found = above(paths, totals, floor, this.#sizes.most);
    if (found.floor !== floor) {
      const path = Buffer.from(found.floor.text).toString();
      this.#setFloor(site, day, { path, views: found.floor.count });
    }
    if (found.places.length === 0) return;
    const rows = found.places.map((place) => ({ path: textAt(paths, place), views: totals[place] ?? 0 }));
    this.#statements.putRows.run({ site, day, paths: toJson(rows) });
    this.#boundRows(site, day, rows);
  }

  /** Adds to the counts by hashes; what they come to. */
  #count(list: CountList, { bytes, starts, ends, counts }: CountedTexts) {
    const added = this.#lists.add(list, this.#hash.of(bytes, starts, ends), counts);
    this.#statements.setMany.run(added.list);
    return added;
  }

  /** Is told of rows that may be new. */
  #boundRows(site: number, day: number, rows: readonly PathViews[]): void {
    const { most } = this.#sizes;
    if (!this.#growth.add(site, day, rows.length, charactersOf(rows.map(({ path }) => path)))) return;
    if ((this.#statements.countRows.get(site, day, 2 * most + 1) ?? 0) <= 2 * most) return;
    const last = this.#statements.rowAt.get(site, day, most - 1);
    if (!last) throw new Error(`day ${day} of site ${site} has too few rows for many paths`);
    this.#setFloor(site, day, last);
  }

  /** Raises the floor: what is below it needs no row any more. */
  #setFloor(site: number, day: number, last: PathViews): void {
    const floor = { site, day, ...last };
    this.#statements.setFloor.run(floor);
    this.#statements.removeBelow.run(floor);
  }
}

function charactersOf(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0);
}

/** As a JSON object: to bind a value costs more than SQLite's reading it from JSON. */
function toJson(rows: readonly PathViews[]): string {
  return `{${rows.map(({ path, views }) => `${JSON.stringify(path)}:${views}`).join(",")}}`;
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  return {
    addViews: database.prepare<[number, number, number]>(`
      INSERT INTO site_days (site, day, views, users) VALUES (?, ?, ?, 0)
      ON CONFLICT DO UPDATE SET views = views + excluded.views`),
    // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
    putRows: database.prepare<{ site: number; day: number; paths: string }>(`
      INSERT INTO site_day_paths SELECT :site, :day, key, value FROM json_each(:paths) WHERE true
      ON CONFLICT DO UPDATE SET views = excluded.views`),
    countRows: database
      .prepare<[number, number, number], number>(`
        SELECT count(*) FROM (SELECT 1 FROM site_day_paths WHERE site = ? AND day = ? LIMIT ?)`)
      .pluck(),
    rowAt: database.prepare<[number, number, number], { path: string; views: number }>(`
      SELECT path, views FROM site_day_paths WHERE site = ? AND day = ?
      ORDER BY views DESC, path LIMIT 1 OFFSET ?`),
    removeBelow: database.prepare<{ site: number; day: number; path: string; views: number }>(`
      DELETE FROM site_day_paths
      WHERE site = :site AND day = :day AND (views < :views OR (views = :views AND path > :path))`),
    many: database.prepare<[number, number], ManyPaths>(`
      SELECT id, paths AS texts, pages, runs, waiting, floor_views AS floorViews, floor_path AS floorPath
      FROM many_paths WHERE site = ? AND day = ?`),
    addMany: database.prepare<{ site: number; day: number; floorViews: number; floorPath: string }>(
      "INSERT INTO many_paths VALUES (NULL, :site, :day, 0, 1, 0, 0, :floorViews, :floorPath)",
    ),
    setMany: database.prepare<CountList>(`
      UPDATE many_paths SET paths = :texts, pages = :pages, runs = :runs, waiting = :waiting WHERE id = :id`),
    setFloor: database.prepare<{ site: number; day: number; path: string; views: number }>(
      "UPDATE many_paths SET floor_views = :views, floor_path = :path WHERE site = :site AND day = :day",
    ),
  };
}
