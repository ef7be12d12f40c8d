// Folds the events of the log in memory: what a batch changes, given what the tables have. It writes nothing, so that one batch
// can be folded while the one before is being written.
//
// While batch n is folded, the tables have all up to batch n - 2, and perhaps n - 1; whatever n - 1 and n changed is in memory.

import { toJsonString } from "@bufbuild/protobuf";
import type { Database } from "better-sqlite3";
import { FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import type { LoggedEvent, LoggedRecords, LoggedSetting } from "../projector/event-decoder.ts";
import type { Changes, SettingChange } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { EventIds } from "./event-ids.ts";
import { type EventRows, eventRows } from "./event-rows.ts";
import { SessionRows } from "./session-rows.ts";
import { SiteFolder } from "./site-folder.ts";
import { Tables } from "./tables.ts";

/** How much is kept in memory from one batch to the next. */
export interface Known {
  /** Visitors with what they did of late: mostly some 500 bytes each. A site counts as eight. It may be twice as many for a
   *  while. */
  readonly visitors: number;
  /** Pages of visitors of a site and a day: some 900 bytes for 1,024 that have come one after the other. */
  readonly dayPages: number;
  /** Visitors of whom nothing is known but who they are: 16 bytes each. */
  readonly places: number;
}

export const KNOWN: Known = { visitors: 20_000, dayPages: 5000, places: 1_572_864 };

export interface FolderOptions {
  /** How long a client's event id is remembered, in ms of time of receipt. */
  readonly dedupeWindowMs: number;
  readonly sizes: ChunkSizes;
  readonly known: Known;
}

/** What a site takes in memory, in visitors. */
const SITE_WEIGHT = 8;

const NOTHING_STORED = { visitors: 0, sessions: 0, endMs: Number.NEGATIVE_INFINITY };

export class Folder {
  readonly #tables: Tables;
  readonly #options: FolderOptions;
  readonly #ids: EventIds;
  readonly #sites = new Map<string, SiteFolder>();
  /** How many sites have a number; undefined when that is to be read. */
  #lastSite: number | undefined;
  /** The sites that had a record in this batch, and in the one before. */
  #touched: SiteFolder[] = [];
  #touchedBefore: SiteFolder[] = [];
  #batch = 1;

  constructor(database: Database, options: FolderOptions) {
    this.#tables = new Tables(database, options.known.places);
    this.#options = options;
    this.#ids = new EventIds(this.#tables.ids, this.#tables.idHash, options.dedupeWindowMs);
  }

  /**
   * What a batch changes; `add` is given the rows of its events before. Both must be committed before the next but one is
   * folded. Throws what the parts throw, what SQLite says of the disk, and when an event cannot be folded; then clear() is to
   * be called.
   */
  fold(parts: Iterable<LoggedRecords>, add: (rows: EventRows) => void): Changes {
    const settings: SettingChange[] = [];
    let receivedAtMs = Number.NEGATIVE_INFINITY;
    for (const part of parts) {
      if (part.events.length > 0) add(this.#addEvents(part));
      for (const setting of part.settings) {
        settings.push(settingChange(this.#site(setting.siteId).number, setting));
      }
      receivedAtMs = part.events.at(-1)?.receivedAtMs ?? receivedAtMs;
    }
    return this.#takeChanges(settings, receivedAtMs - this.#options.dedupeWindowMs);
  }

  /** Forgets all, as when what it gave was not written. */
  clear(): void {
    this.#ids.clear();
    this.#sites.clear();
    this.#tables.visitors.cache.clear();
    this.#touched = [];
    this.#touchedBefore = [];
    this.#lastSite = undefined;
  }

  /** Makes room in memory. All batches but the last one must be written. */
  trim(): void {
    const { known } = this.#options;
    const sites = [...this.#sites.values()];
    const sum = (of: (site: SiteFolder) => number) => sites.reduce((total, site) => total + of(site), 0);
    const last = this.#batch - 1;
    if (sum(({ visitors }) => visitors.recent + SITE_WEIGHT) > known.visitors) {
      for (const site of sites) {
        if (site.touchedIn < last) this.#sites.delete(site.siteId);
        else site.rotate();
      }
    }
    const pages = ({ sessions }: SiteFolder) => sessions.days.pages;
    if (sum(pages) > known.dayPages) for (const { sessions } of sites) sessions.days.forgetBefore(last);
    if (sum(pages) > known.dayPages) for (const { sessions } of sites) sessions.days.clear();
  }

  /** Goes from site to site, as all that is known of one does not fit into the cores' caches with that of the others. */
  #addEvents(part: LoggedRecords): EventRows {
    const sites = part.events.map(({ siteId }) => this.#site(siteId));
    const counts = this.#ids.judge(part.events, (place) => sites[place]?.number ?? 0);
    const eventsOf = new Map<SiteFolder, LoggedEvent[]>();
    for (const [place, site] of sites.entries()) {
      const event = part.events[place];
      if (!event || counts[place] === 0) continue;
      const events = eventsOf.get(site);
      if (events) events.push(event);
      else eventsOf.set(site, [event]);
    }
    for (const [site, events] of eventsOf) site.add(events, this.#batch);
    return eventRows(part, counts);
  }

  #takeChanges(settings: readonly SettingChange[], forgottenUpToMs: number): Changes {
    const rows = new SessionRows();
    for (const site of this.#touchedBefore) if (site.touchedIn < this.#batch) site.forgetWritten();
    this.#touchedBefore = this.#touched;
    this.#touched = [];
    const changes = this.#touchedBefore.map((site) => site.takeChanges(rows));
    this.#batch += 1;
    return {
      sites: changes.map(({ site }) => site),
      visitors: changes.flatMap(({ visitors }) => visitors ?? []),
      sessions: rows.columns(),
      joined: changes.flatMap(({ joined }) => joined),
      chunks: changes.flatMap(({ chunks }) => chunks),
      users: changes.flatMap(({ users }) => users),
      ids: this.#ids.takeChanges(),
      forgottenUpToMs,
      settings,
    };
  }

  #site(siteId: string): SiteFolder {
    let site = this.#sites.get(siteId);
    if (!site) {
      site = this.#open(siteId);
      this.#sites.set(siteId, site);
    }
    if (site.touchedIn < this.#batch) {
      site.touchedIn = this.#batch;
      this.#touched.push(site);
    }
    return site;
  }

  #open(siteId: string): SiteFolder {
    let stored = this.#tables.site(siteId);
    if (!stored) {
      this.#lastSite ??= this.#tables.sites();
      this.#lastSite += 1;
      stored = { ...NOTHING_STORED, number: this.#lastSite };
    }
    return new SiteFolder(siteId, stored, this.#tables, this.#options.sizes);
  }
}

function settingChange(site: number, setting: LoggedSetting): SettingChange {
  const { name } = setting;
  if (setting.$typeName === "analytics.v1.RecordedSite") return { site, name, timeZone: setting.timeZone };
  const filter = setting.filter ? toJsonString(FilterSchema, setting.filter) : null;
  return { site, goal: name, filter };
}
