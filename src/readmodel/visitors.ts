// Gives visitors their numbers in their site, in the order in which they come, and tells which user ids are new. Those of a
// moment ago are kept in memory; what changed is written at the end of a batch.
//
// Invariant: between batches, what is in memory is what the tables have.
//
// A sent user id is a text in the table, and a hash made at ingest a blob, so that no user id can be taken for a hash.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import { RecentMap } from "./recent-map.ts";

export interface Visitor {
  readonly number: number;
  /** Whether it is a user id of which an event was not a bot's. */
  isUser: boolean;
  /** Whether it has had no event yet. */
  isNew: boolean;
}

interface Row {
  readonly number: number;
  readonly is_user: number;
}

interface Site {
  /** How many numbers were given. */
  count: number;
  /** Those that are new or became users: what is not written. */
  readonly users: Map<string, Visitor>;
  readonly hashes: Map<string, Visitor>;
}

export class Visitors {
  readonly #row: Statement<[number, string | Buffer], Row>;
  readonly #putUsers: Statement<[number, string]>;
  readonly #putHashes: Statement<[number, string]>;
  readonly #count: Statement<[number], { visitors: number }>;
  readonly #setCount: Statement<[number, number]>;
  readonly #users: RecentMap<Visitor>;
  readonly #hashes: RecentMap<Visitor>;
  /** The sites that had a visitor in this batch. */
  readonly #sites = new Map<number, Site>();

  /** Keeps about `most` user ids in memory, and as many hashes. */
  constructor(database: Database, most: number) {
    this.#users = new RecentMap(most);
    this.#hashes = new RecentMap(most);
    this.#row = database.prepare("SELECT number, is_user FROM visitors WHERE site = ? AND visitor = ?");
    // As in aggregates.ts: one JSON text for all keys.
    const put = (visitor: string) => `
      INSERT INTO visitors SELECT ?, ${visitor}, value ->> 1, value ->> 2 FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET is_user = excluded.is_user`;
    this.#putUsers = database.prepare(put("value ->> 0"));
    this.#putHashes = database.prepare(put("unhex(value ->> 0)"));
    this.#count = database.prepare("SELECT visitors FROM sites WHERE id = ?");
    this.#setCount = database.prepare("UPDATE sites SET visitors = ? WHERE id = ?");
  }

  /** Whose an event of the site with the number `site` is; undefined when nothing tells. They come in log order. */
  of(site: number, { userId, more }: LoggedEvent): Visitor | undefined {
    if (userId !== "") return this.#users.get(site, userId) ?? this.#addUser(site, userId);
    const hash = more?.visitor ?? "";
    if (hash === "") return undefined;
    return this.#hashes.get(site, hash) ?? this.#addHash(site, hash);
  }

  /** Whether `visitor`, of the user id of an event that is not a bot's, is a user from now on and was none before. */
  becomesUser(site: number, visitor: Visitor, { userId }: LoggedEvent): boolean {
    if (visitor.isUser) return false;
    visitor.isUser = true;
    this.#siteOf(site).users.set(userId, visitor);
    return true;
  }

  /** Writes what changed. */
  flush(): void {
    for (const [site, { count, users, hashes }] of this.#sites) {
      if (users.size > 0) this.#putUsers.run(site, rowsOf(users));
      if (hashes.size > 0) this.#putHashes.run(site, rowsOf(hashes, hexOf));
      this.#setCount.run(count, site);
    }
    this.#sites.clear();
    this.#users.trim();
    this.#hashes.trim();
  }

  /** Forgets all, as when the transaction is rolled back. */
  clear(): void {
    this.#sites.clear();
    this.#users.clear();
    this.#hashes.clear();
  }

  #addUser(site: number, userId: string): Visitor {
    const visitor = this.#stored(this.#row.get(site, userId)) ?? this.#added(site, "users", userId);
    this.#users.set(site, userId, visitor);
    return visitor;
  }

  /** `hash` has a character for each of its bytes. */
  #addHash(site: number, hash: string): Visitor {
    const row = this.#row.get(site, Buffer.from(hash, "latin1"));
    const visitor = this.#stored(row) ?? this.#added(site, "hashes", hash);
    this.#hashes.set(site, hash, visitor);
    return visitor;
  }

  #stored(row: Row | undefined): Visitor | undefined {
    return row && { number: row.number, isUser: row.is_user === 1, isNew: false };
  }

  #added(site: number, kind: "users" | "hashes", key: string): Visitor {
    const state = this.#siteOf(site);
    state.count += 1;
    const visitor = { number: state.count, isUser: false, isNew: true };
    state[kind].set(key, visitor);
    return visitor;
  }

  #siteOf(site: number): Site {
    let state = this.#sites.get(site);
    if (!state) {
      state = { count: this.#count.get(site)?.visitors ?? 0, users: new Map(), hashes: new Map() };
      this.#sites.set(site, state);
    }
    return state;
  }
}

function hexOf(hash: string): string {
  return Buffer.from(hash, "latin1").toString("hex");
}

/** Sorted, about as the tree has them: neighbours share pages. */
function rowsOf(visitors: ReadonlyMap<string, Visitor>, written = (key: string) => key): string {
  const keys = [...visitors.keys()].sort();
  const rows = keys.map((key) => {
    const visitor = visitors.get(key);
    return [written(key), visitor?.number, visitor?.isUser ? 1 : 0];
  });
  return JSON.stringify(rows);
}
