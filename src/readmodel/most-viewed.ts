// Which paths are the most viewed ones.

import { compareTexts } from "../text-order.ts";
import type { PathList } from "./few-paths.ts";
import type { PathViews } from "./reports.ts";

/** By views, then by path: at most `limit`. */
export function mostViewed({ paths, views }: PathList, limit: number): PathViews[] {
  // Those with fewer views than the last one that is wanted need not be put in order.
  const least = new Float64Array(views).sort()[Math.max(0, views.length - limit)] ?? 0;
  const rows: PathViews[] = [];
  for (let place = 0; place < paths.length; place += 1) {
    const count = views[place] ?? 0;
    if (count >= least) rows.push({ path: paths[place] ?? "", views: count });
  }
  return rows.sort((a, b) => b.views - a.views || compareTexts(a.path, b.path)).slice(0, limit);
}
