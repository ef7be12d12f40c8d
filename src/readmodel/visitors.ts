// Gives the visitors of a site their numbers, in the order in which they come, and tells which user ids are new. Those of a
// moment ago are kept in memory.
//
// Of a visitor that is not in memory, the table has all.
//
// A sent user id is a text in the table, and a hash made at ingest a blob, so that no user id can be taken for a hash.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { VisitorChanges } from "./changes.ts";
import { RecentMap } from "./recent-map.ts";
import type { Stream } from "./streams.ts";

export interface Visitor {
  /** The user id, or the hash with a character for each of its bytes. */
  readonly key: string;
  /** From 1 on; 0 when it has had no event that counts. */
  number: number;
  /** Whether it is a user id of which an event was not a bot's. */
  isUser: boolean;
  /** Whether it is among what is to be written. */
  isChanged: boolean;
  /** What it did, and what a bot did in its name; undefined when that is not in memory. */
  person: Stream | undefined;
  bot: Stream | undefined;
}

/** The rows of some visitors: for each one that has a row, its place among the keys, its number, and whether it is a user. */
type Found = [place: number, number: number, isUser: number];

/** Reads visitors from the table, many at a time. */
export class StoredVisitors {
  readonly users: Statement<[string, number], Found>;
  readonly hashes: Statement<[string, number], Found>;

  constructor(database: Database) {
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
    if (userId !== "") return this.#users.get(userId) ?? add(this.#users, this.#unknownUsers, userId);
    const hash = more?.visitor ?? "";
    if (hash === "") return undefined;
    return this.#hashes.get(hash) ?? add(this.#hashes, this.#unknownHashes, hash);
  }

  /** Reads those that of() found and that were not in memory: unsorted, as few of them are on one page. */
  load(): void {
    if (this.#unknownUsers.length > 0) {
      load(this.#stored.users, this.#site, this.#unknownUsers, textOf);
      this.#unknownUsers = [];
    }
    if (this.#unknownHashes.length > 0) {
      load(this.#stored.hashes, this.#site, this.#unknownHashes, hexOf);
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
      users: objectOf(this.#changedUsers, textOf),
      hashes: objectOf(this.#changedHashes, hexOf),
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
}

function add(known: RecentMap<Visitor>, unknown: Visitor[], key: string): Visitor {
  const visitor: Visitor = {
    key,
    number: 0,
    isUser: false,
    isChanged: false,
    person: undefined,
    bot: undefined,
  };
  known.set(key, visitor);
  unknown.push(visitor);
  return visitor;
}

function load(
  statement: Statement<[string, number], Found>,
  site: number,
  visitors: Visitor[],
  written: (key: string) => string,
): void {
  const keys = JSON.stringify(visitors.map(({ key }) => written(key)));
  for (const [place, number, isUser] of statement.all(keys, site)) {
    const visitor = visitors[place];
    if (!visitor) throw new Error("a visitor was found that nobody asked for");
    visitor.number = number;
    visitor.isUser = isUser === 1;
  }
}

/** By hand, as JavaScript's objects are slow with so many keys. Sorted, about as the tree has them: neighbours share pages. */
function objectOf(visitors: readonly Visitor[], written: (key: string) => string): string {
  if (visitors.length === 0) return "";
  const members = visitors.map((visitor) => {
    visitor.isChanged = false;
    return `${JSON.stringify(written(visitor.key))}:${visitor.number * 2 + (visitor.isUser ? 1 : 0)}`;
  });
  return `{${members.sort().join(",")}}`;
}

function textOf(key: string): string {
  return key;
}

function hexOf(hash: string): string {
  return Buffer.from(hash, "latin1").toString("hex");
}
