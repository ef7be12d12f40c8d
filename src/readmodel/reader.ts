// The reading half of the read model: statistics and the checkpoint, through the generation that is current.
// All reads are by primary key, and of at most some thousands of rows, so that they cost the same whatever the history.

import type Database from "better-sqlite3";
import { dayOfDate } from "../ingest/timestamp.ts";
import type { LogPosition } from "../log/event-log.ts";
import { SELECT_CHECKPOINT, toPosition } from "./checkpoint.ts";
import { CurrentModel } from "./current.ts";
import type { Reports, SiteStats, StatsQuery } from "./reports.ts";
import { ALL_TIME } from "./schema.ts";
import { NO_SETTINGS, type SiteSettings, siteSettingsReader } from "./site-settings.ts";
import { topPathsReader } from "./top-paths.ts";

const NOTHING: SiteStats = { totalViews: 0, uniqueUsers: 0, topPaths: [] };

export class ReadModelReader implements Reports {
  readonly #model: CurrentModel<Statements>;

  constructor(dataDirectory: string) {
    this.#model = new CurrentModel(dataDirectory, prepare);
  }

  stats(query: StatsQuery): SiteStats {
    const current = this.#model.get();
    if (!current) return NOTHING;
    return current.snapshot((): SiteStats => {
      const site = current.site.get(query.siteId);
      if (!site) return NOTHING;
      const day = query.date === null ? ALL_TIME : dayOfDate(query.date);
      const counts = current.day.get(site.id, day);
      if (!counts) return NOTHING;
      return {
        totalViews: counts.views,
        uniqueUsers: counts.users,
        topPaths: current.topPaths(site.id, day, query.limit),
      };
    });
  }

  site(siteId: string): SiteSettings {
    const model = this.#model.get();
    const site = model?.site.get(siteId);
    return model && site ? model.settings(site.id) : NO_SETTINGS;
  }

  /** The place in the log up to which it is folded; undefined when nothing is. */
  checkpoint(): LogPosition | undefined {
    return toPosition(this.#model.get()?.checkpoint.get());
  }

  /** The events that could not be folded, in log order; undefined when nothing is folded. */
  deadLetters(): { offset: number; error: string; version: number }[] | undefined {
    // Prepared here, as a generation of an earlier version may lack the table.
    return this.#model
      .get()
      ?.database.prepare<[], { offset: number; error: string; version: number }>(
        "SELECT offset, error, version FROM dead_letters ORDER BY offset",
      )
      .all();
  }

  /** As CurrentModel's. */
  letGo(): void {
    this.#model.letGo();
  }

  close(): void {
    this.#model.close();
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database.Database) {
  return {
    database,
    /** Runs reads that belong together on one state of the database. */
    snapshot: database.transaction((read: () => SiteStats) => read()),
    checkpoint: database.prepare(SELECT_CHECKPOINT),
    settings: siteSettingsReader(database),
    site: database.prepare<[string], { id: number }>("SELECT id FROM sites WHERE site_id = ?"),
    day: database.prepare<[number, number], { views: number; users: number }>(
      "SELECT views, users FROM site_days WHERE site = ? AND day = ?",
    ),
    topPaths: topPathsReader(database),
  };
}
