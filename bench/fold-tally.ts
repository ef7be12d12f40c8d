// What a read model must say of a log: counted while the log is made, in another way than the fold does.

import { ReadModelReader } from "../src/readmodel/reader.ts";
import { type Events, FIRST_DAY_MS, pathText, siteId, type Visit } from "./fold-mix.ts";

/** The site and the day that answers are asked of: the busiest site, on the day when all its paths were seen. */
export const BUSIEST = siteId(0);
export const FIRST_DAY = new Date(FIRST_DAY_MS).toISOString().slice(0, 10);

const PATHS = 1000;

interface Range {
  views: number;
  /** By the number of the path. */
  readonly paths: Uint32Array;
}

export class Tally {
  readonly #views: Uint32Array;
  readonly #users: Uint32Array;
  readonly #isUserSeen: Uint8Array;
  readonly #ofFirstDay: Range;
  readonly #ofAllTime: Range;

  constructor({ mix, users }: Events) {
    this.#views = new Uint32Array(mix.sites);
    this.#users = new Uint32Array(mix.sites);
    this.#isUserSeen = new Uint8Array(users);
    this.#ofFirstDay = { views: 0, paths: new Uint32Array(mix.pathsPerSite) };
    this.#ofAllTime = { views: 0, paths: new Uint32Array(mix.pathsPerSite) };
  }

  /** Takes an event that is to count. */
  add({ site, path, user, isView, day }: Visit): void {
    if (user !== undefined && this.#isUserSeen[user] === 0) {
      this.#isUserSeen[user] = 1;
      increment(this.#users, site);
    }
    if (!isView) return;
    increment(this.#views, site);
    if (site !== 0) return;
    for (const range of day === 0 ? [this.#ofFirstDay, this.#ofAllTime] : [this.#ofAllTime]) {
      range.views += 1;
      increment(range.paths, path);
    }
  }

  /** Throws when the read model in `dataDirectory` says something else. */
  check(dataDirectory: string): void {
    const reader = new ReadModelReader(dataDirectory);
    try {
      for (let site = 0; site < this.#views.length; site++) {
        const { totalViews, uniqueUsers } = reader.stats({ siteId: siteId(site), date: null, limit: 1 });
        expectEqual(siteId(site), [totalViews, uniqueUsers], [this.#views[site], this.#users[site]]);
      }
      for (const [date, expected] of [
        [FIRST_DAY, this.#ofFirstDay],
        [null, this.#ofAllTime],
      ] as const) {
        const { totalViews, topPaths } = reader.stats({ siteId: BUSIEST, date, limit: PATHS });
        const found = topPaths.map(({ path, views }) => [path, views]);
        expectEqual(
          `${BUSIEST}, ${date ?? "all time"}`,
          [totalViews, found],
          [expected.views, top(expected)],
        );
      }
    } finally {
      reader.close();
    }
  }
}

function increment(counts: Uint32Array, at: number): void {
  counts[at] = (counts[at] ?? 0) + 1;
}

/** By views, descending, then by path. */
function top({ paths }: Range): [string, number][] {
  const seen = [...paths.entries()].filter(([, views]) => views > 0);
  const atLeast = seen.map(([, views]) => views).sort((a, b) => b - a)[PATHS - 1] ?? 0;
  return seen
    .filter(([, views]) => views >= atLeast)
    .map(([path, views]): [string, number] => [pathText(path), views])
    .sort(([path, views], [otherPath, otherViews]) => otherViews - views || (path < otherPath ? -1 : 1))
    .slice(0, PATHS);
}

function expectEqual(what: string, found: unknown, expected: unknown): void {
  const [one, other] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== other)
    throw new Error(`${what}: ${one?.slice(0, 200)} is counted, not ${other?.slice(0, 200)}`);
}
