// What the protocols need of the read model: answers that cost the same whatever the history.
// It is implemented by ReadModelReader (reader.ts); tests of the protocols use a fake.

import Database from "better-sqlite3";
import { NotALink } from "./generations.ts";
import type { SiteSettings } from "./site-settings.ts";

export interface Reports {
  /** The statistics of a site; zeros for one that was never seen or when nothing was folded yet. Throws ReportsRefused. */
  stats(query: StatsQuery): SiteStats;
  /** What was last said about a site. Throws ReportsRefused. */
  site(siteId: string): SiteSettings;
}

/** This server answers no statistics. `message` is fit to be shown to whoever asked. */
export class ReportsRefused extends Error {}

/** What stands in for the read model in a server without the role `report`. */
export const noReports: Reports = { stats: refuse, site: refuse };

/** For what else such a server does not answer. */
export function refuse(): never {
  throw new ReportsRefused("this server does not answer statistics: it runs without the role report");
}

export interface StatsQuery {
  readonly siteId: string;
  /** A valid UTC day, YYYY-MM-DD; null for all time. */
  readonly date: string | null;
  /** How many paths to list, 1 to 1,000. */
  readonly limit: number;
}

export interface SiteStats {
  readonly totalViews: number;
  readonly uniqueUsers: number;
  /** By views, descending, then by path (its UTF-8 bytes), ascending. */
  readonly topPaths: readonly PathViews[];
}

export interface PathViews {
  readonly path: string;
  readonly views: number;
}

/** Whether `error` says that the read model cannot be read: its disk is full or broken, say. */
export function isUnreadable(error: unknown): error is Error {
  return error instanceof Database.SqliteError || error instanceof NotALink;
}

/** What is told then. SQLite's words name no path. */
export function unreadable(error: Error): string {
  if (/^no such (table|column)/.test(error.message)) {
    return "the statistics are being made anew for this version of Footfall: ask again later";
  }
  return `the statistics cannot be read at present: ${error.message}`;
}
