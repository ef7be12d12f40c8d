// What the fold reads from the tables.

import type { Database, Statement } from "better-sqlite3";
import { hashKeyOf } from "./hash-key.ts";
import { IdHash } from "./id-hash.ts";
import { StoredIds } from "./stored-ids.ts";
import { StoredSessions } from "./stored-sessions.ts";
import { StoredVisitors } from "./visitors.ts";

export interface StoredSite {
  readonly number: number;
  /** How many numbers its visitors and its sessions have. */
  readonly visitors: number;
  readonly sessions: number;
  /** When the session that ends last ends. */
  readonly endMs: number;
}

interface SiteRow {
  readonly id: number;
  readonly visitors: number;
  readonly sessions: number;
  readonly latest_ms: number | null;
}

export class Tables {
  readonly ids: StoredIds;
  readonly idHash: IdHash;
  readonly visitors: StoredVisitors;
  readonly sessions: StoredSessions;
  readonly #site: Statement<[string], SiteRow>;
  readonly #lastSite: Statement<[], number | null>;

  /** `places` are those of the cache of visitors. */
  constructor(database: Database, places: number) {
    this.ids = new StoredIds(database);
    this.idHash = new IdHash(hashKeyOf(database));
    this.visitors = new StoredVisitors(database, places);
    this.sessions = new StoredSessions(database);
    this.#site = database.prepare("SELECT id, visitors, sessions, latest_ms FROM sites WHERE site_id = ?");
    this.#lastSite = database.prepare<[], number | null>("SELECT max(id) FROM sites").pluck();
  }

  site(siteId: string): StoredSite | undefined {
    const row = this.#site.get(siteId);
    if (!row) return undefined;
    const { id: number, visitors, sessions } = row;
    return { number, visitors, sessions, endMs: row.latest_ms ?? Number.NEGATIVE_INFINITY };
  }

  /** How many sites have a number. */
  sites(): number {
    return this.#lastSite.get() ?? 0;
  }
}
