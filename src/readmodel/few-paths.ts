// The views of the paths of days with few of them.
//
// A day has a list of its paths, and what was added since as runs beside it, which come to the list when they have become long. So
// what a batch adds to a day is written in one place, where a row for each path would be looked for all over a table.

import type { Database, Statement } from "better-sqlite3";

/** Each path once, and at the same place its views. */
export interface PathList {
  readonly paths: readonly string[];
  readonly views: readonly number[];
}

/** A path list as JSON. */
interface Run {
  readonly paths: string;
  readonly views: string;
}

const EMPTY: PathList = { paths: [], views: [] };
/** The list is the run with this number. */
const LIST = 0;
/** With more runs, they come to the list: of some days with more than of others, so that those which are seen together do not all
 *  come to it in one batch. */
const LEAST_RUNS = 16;

/** How long the runs of a day may be together before they come to the list. */
export interface RunSizes {
  /** As a share of the list, in bytes and in paths, */
  readonly share: number;
  /** and whatever it is, in bytes, */
  readonly bytes: number;
  /** and in paths. */
  readonly paths: number;
}

/** All paths of a day; none when it has no list here. */
export function fewPathsReader(database: Database): (site: number, day: number) => PathList {
  const runs = database.prepare<[number, number], Run>(
    "SELECT paths, views FROM few_paths WHERE site = ? AND day = ? ORDER BY run",
  );
  return (site, day) => sumOf(runs.all(site, day).map(fromJson));
}

export class FewPaths {
  readonly #sizes: RunSizes;
  readonly #read: (site: number, day: number) => PathList;
  readonly #runs: Statement<[number, number], [run: number, bytes: number, size: number]>;
  readonly #insert: Statement<[number, number, number, number, number, string, string]>;
  readonly #remove: Statement<[number, number]>;

  constructor(database: Database, sizes: RunSizes) {
    this.#sizes = sizes;
    this.#read = fewPathsReader(database);
    this.#runs = database
      .prepare<[number, number], [number, number, number]>(
        "SELECT run, bytes, size FROM few_paths WHERE site = ? AND day = ? ORDER BY run",
      )
      .raw();
    this.#insert = database.prepare("INSERT INTO few_paths VALUES (?, ?, ?, ?, ?, ?, ?)");
    this.#remove = database.prepare("DELETE FROM few_paths WHERE site = ? AND day = ?");
  }

  /** Adds to the views of a day. All that it has when the runs came to the list. */
  add(site: number, day: number, added: PathList): PathList | undefined {
    const run = toJson(added);
    let last = LIST;
    const list = { bytes: 0, size: 0 };
    const beside = { bytes: bytesOf(run), size: added.paths.length };
    for (const [number, bytes, size] of this.#runs.all(site, day)) {
      const sum = number === LIST ? list : beside;
      sum.bytes += bytes;
      sum.size += size;
      last = number;
    }
    const { share, bytes, paths } = this.#sizes;
    const areShort =
      beside.bytes <= Math.max(bytes, share * list.bytes) &&
      beside.size <= Math.max(paths, share * list.size);
    if (areShort && last < mostRuns(site, day)) {
      this.#put(site, day, last + 1, added.paths.length, run);
      return undefined;
    }
    const all = sumOf([this.take(site, day), added]);
    this.#put(site, day, LIST, all.paths.length, toJson(all));
    return all;
  }

  /** Takes all paths of a day. */
  take(site: number, day: number): PathList {
    const all = this.#read(site, day);
    this.#remove.run(site, day);
    return all;
  }

  #put(site: number, day: number, number: number, size: number, run: Run): void {
    this.#insert.run(site, day, number, bytesOf(run), size, run.paths, run.views);
  }
}

/** From LEAST_RUNS up to twice as many. */
function mostRuns(site: number, day: number): number {
  return LEAST_RUNS + ((Math.abs(day) + site) % (LEAST_RUNS + 1));
}

/** Of a text that is not ASCII it is somewhat less. */
function bytesOf({ paths, views }: Run): number {
  return paths.length + views.length;
}

function toJson({ paths, views }: PathList): Run {
  return { paths: JSON.stringify(paths), views: JSON.stringify(views) };
}

function fromJson({ paths, views }: Run): PathList {
  return { paths: JSON.parse(paths), views: JSON.parse(views) };
}

/** Looks for the paths of all but the first, which has the most of them. */
function sumOf([first = EMPTY, ...others]: readonly PathList[]): PathList {
  if (others.length === 0) return first;
  const added = new Map<string, number>();
  for (const { paths, views } of others) {
    paths.forEach((path, place) => {
      added.set(path, (added.get(path) ?? 0) + (views[place] ?? 0));
    });
  }
  const views = first.views.map((views, place) => {
    const path = first.paths[place] ?? "";
    const more = added.get(path);
    if (more === undefined) return views;
    added.delete(path);
    return views + more;
  });
  return { paths: [...first.paths, ...added.keys()], views: [...views, ...added.values()] };
}
