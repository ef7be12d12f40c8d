// Which paths are the most viewed ones.

import { compareTexts } from "../text-order.ts";
import type { PathList } from "./few-paths.ts";
import type { PathViews } from "./reports.ts";

/** By views, then by path: at most `limit`, which is 1 or more. */
export function mostViewed({ paths, views }: PathList, limit: number): PathViews[] {
  let rows: PathViews[] = [];
  /** None behind it is wanted. */
  let last: PathViews | undefined;
  for (let place = 0; place < paths.length; place += 1) {
    const row = { path: paths[place] ?? "", views: views[place] ?? 0 };
    if (last && rank(row, last) > 0) continue;
    rows.push(row);
    if (rows.length < 2 * limit) continue;
    rows = rows.sort(rank).slice(0, limit);
    last = rows[limit - 1];
  }
  return rows.sort(rank).slice(0, limit);
}

function rank(a: PathViews, b: PathViews): number {
  return b.views - a.views || compareTexts(a.path, b.path);
}
