// Gives the visitors of a site their numbers, in the order in which they come, and tells which user ids are new. Those of a
// moment ago are kept in memory.
//
// Of a visitor that is not in memory, the table has all. Who the visitors of a while ago are is in a cache.
//
// A sent user id is a text in the table, and a hash made at ingest a blob, so that no user id can be taken for a hash.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { VisitorChanges } from "./changes.ts";
import { RecentMap } from "./recent-map.ts";
import type { Stream } from "./streams.ts";
import { VisitorCache, type VisitorKind } from "./visitor-cache.ts";

/** It is the stream of what it did itself: one object less to look for with each event. */
export interface Visitor extends Stream {
  /** The user id, or the hash with a character for each of its bytes. */
  readonly key: string;
  /** From 1 on; 0 when it has had no event that counts. */
  number: number;
  /** Whether what it did is in memory; until then it is no stream. */
  isStream: boolean;
  /** Whether it is a user id of which an event was not a bot's. */
  isUser: boolean;
  /** Whether it is among what is to be written. */
  isChanged: boolean;
  /** What a bot did in its name; undefined when that is not in memory. */
  bot: Stream | undefined;
}

/** The rows of some visitors: for each one that has a row, its place among the keys, its number, and whether it is a user. */
type Found = [place: number, number: number, isUser: number];

/** Reads visitors from the table, many at a time, and knows those of a while ago. */
export class StoredVisitors {
  readonly users: Statement<[string, number], Found>;
  readonly hashes: Statement<[string, number], Found>;
  /** Their numbers as they are in rows: twice the number, and one more for a user. */
  readonly cache: VisitorCache;

  constructor(database: Database, places: number) {
    this.cache = new VisitorCache(places);
    // One JSON text for all keys: to bind a value costs more than SQLite's reading it from JSON.
    const select = (visitor: string) =>
      database
        .prepare<[string, number], Found>(`
          SELECT keys.key, number, is_user FROM json_each(?) AS keys
          CROSS JOIN visitors WHERE site = ? AND visitor = ${visitor}`)
        .raw();
    this.users = select("keys.value");
    this.hashes = select("unhex(keys.value)");
  }
}

export class Visitors {
  readonly #site: number;
  readonly #stored: StoredVisitors;
  readonly #users = new RecentMap<Visitor>();
  readonly #hashes = new RecentMap<Visitor>();
  /** Those in memory of which it is not known whether they have a row. */
  #unknownUsers: Visitor[] = [];
  #unknownHashes: Visitor[] = [];
  /** What is to be written. */
  #changedUsers: Visitor[] = [];
  #changedHashes: Visitor[] = [];
  /** How many numbers were given. */
  #count: number;

  constructor(site: number, stored: StoredVisitors, count: number) {
    this.#site = site;
    this.#stored = stored;
    this.#count = count;
    if (count === 0) stored.cache.begin(site);
  }

  get count(): number {
    return this.#count;
  }

  /** How many were asked for since the last rotation. */
  get recent(): number {
    return this.#users.recent + this.#hashes.recent;
  }

  /** Whose an event is; undefined when nothing tells. Before anything else is asked of it, load() is to be called. */
  of({ userId, more }: LoggedEvent): Visitor | undefined {
    if (userId !== "") return this.#users.get(userId) ?? this.#add("user", userId);
    const hash = more?.visitor ?? "";
    if (hash === "") return undefined;
    return this.#hashes.get(hash) ?? this.#add("hash", hash);
  }

  /** Reads those that of() found and that were not in memory: unsorted, as few of them are on one page. */
  load(): void {
    if (this.#unknownUsers.length > 0) {
      this.#load("user", this.#stored.users, this.#unknownUsers);
      this.#unknownUsers = [];
    }
    if (this.#unknownHashes.length > 0) {
      this.#load("hash", this.#stored.hashes, this.#unknownHashes);
      this.#unknownHashes = [];
    }
  }

  /** Gives `visitor`, whose event `event` is, a number. */
  number(visitor: Visitor, event: LoggedEvent): void {
    this.#count += 1;
    visitor.number = this.#count;
    this.#change(visitor, event);
  }

  /** Whether `visitor`, of the user id of an event that is not a bot's, is a user from now on and was none before. */
  becomesUser(visitor: Visitor, event: LoggedEvent): boolean {
    if (visitor.isUser) return false;
    visitor.isUser = true;
    this.#change(visitor, event);
    return true;
  }

  /** What changed, to be written; undefined for nothing. */
  takeChanges(): VisitorChanges | undefined {
    if (this.#changedUsers.length + this.#changedHashes.length === 0) return undefined;
    const changes = {
      site: this.#site,
      users: this.#objectOf("user", this.#changedUsers),
      hashes: this.#objectOf("hash", this.#changedHashes),
    };
    this.#changedUsers = [];
    this.#changedHashes = [];
    return changes;
  }

  /** Drops those from memory that were not asked for since the last time. All of them must be written. */
  rotate(): void {
    this.#users.rotate();
    this.#hashes.rotate();
  }

  #change(visitor: Visitor, { userId }: LoggedEvent): void {
    if (visitor.isChanged) return;
    visitor.isChanged = true;
    (userId === "" ? this.#changedHashes : this.#changedUsers).push(visitor);
  }

  #add(kind: VisitorKind, key: string): Visitor {
    const value = this.#stored.cache.find(this.#site, kind, key);
    const visitor: Visitor = {
      key,
      number: value === undefined ? 0 : Math.floor(value / 2),
      streamNumber: 0,
      current: undefined,
      fromMs: undefined,
      toMs: undefined,
      isStream: false,
      isUser: value !== undefined && value % 2 === 1,
      isChanged: false,
      bot: undefined,
    };
    if (value === undefined) (kind === "user" ? this.#unknownUsers : this.#unknownHashes).push(visitor);
    (kind === "user" ? this.#users : this.#hashes).set(key, visitor);
    return visitor;
  }

  #load(
    kind: VisitorKind,
    statement: Statement<[string, number], Found>,
    visitors: readonly Visitor[],
  ): void {
    const keys = JSON.stringify(visitors.map(({ key }) => written(kind, key)));
    for (const [place, number, isUser] of statement.all(keys, this.#site)) {
      const visitor = visitors[place];
      if (!visitor) throw new Error("a visitor was found that nobody asked for");
      visitor.number = number;
      visitor.isUser = isUser === 1;
      this.#stored.cache.put(this.#site, kind, visitor.key, rowValue(visitor));
    }
  }

  /** By hand, as JavaScript's objects are slow with so many keys. Sorted, about as the tree has them: neighbours share pages. */
  #objectOf(kind: VisitorKind, visitors: readonly Visitor[]): string {
    if (visitors.length === 0) return "";
    const members = visitors.map((visitor) => {
      visitor.isChanged = false;
      const value = rowValue(visitor);
      this.#stored.cache.put(this.#site, kind, visitor.key, value);
      return `${JSON.stringify(written(kind, visitor.key))}:${value}`;
    });
    return `{${members.sort().join(",")}}`;
  }
}

/** Twice its number, and one more for a user. */
function rowValue({ number, isUser }: Visitor): number {
  return number * 2 + (isUser ? 1 : 0);
}

/** How a key is written in JSON: a user id as it is, a hash in hexadecimal. */
function written(kind: VisitorKind, key: string): string {
  return kind === "user" ? key : Buffer.from(key, "latin1").toString("hex");
}
