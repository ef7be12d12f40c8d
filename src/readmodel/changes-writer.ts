// Writes what a batch changes into the tables, but for the rows of events and of sessions, as a part of the caller's transaction.
// It depends on nothing but the changes and the tables.

import type { Database, Statement } from "better-sqlite3";
import { unpack } from "../columns/chunk.ts";
import type { Changes, JoinedSession, NewChunk, SettingChange, SiteChange } from "./changes.ts";
import { type ChunkSizes, Chunks } from "./chunks.ts";
import { dayViews } from "./day-views.ts";
import { IdRuns } from "./id-runs.ts";
import { PathCounts, type PathSizes } from "./path-counts.ts";
import { sessionChunks } from "./session-chunks.ts";

export class ChangesWriter {
  readonly #statements: Statements;
  readonly #sizes: ChunkSizes;
  readonly #chunks: Chunks;
  readonly #pathCounts: PathCounts;
  readonly #ids: IdRuns;

  /** `fullIds` as of IdRuns. */
  constructor(database: Database, sizes: ChunkSizes, pathSizes: PathSizes, fullIds: number) {
    this.#statements = prepare(database);
    this.#sizes = sizes;
    this.#chunks = new Chunks(database, sizes);
    this.#pathCounts = new PathCounts(database, pathSizes);
    this.#ids = new IdRuns(database, fullIds);
  }

  write(changes: Changes): void {
    for (const site of changes.sites) this.#writeSite(site);
    for (const { site, users, hashes } of changes.visitors) {
      if (users !== "") this.#statements.putUsers.run(site, users);
      if (hashes !== "") this.#statements.putHashes.run(site, hashes);
    }
    for (const joined of changes.joined) this.#writeJoined(joined);
    for (const chunk of changes.chunks) this.#writeEvents(chunk);
    for (const chunk of sessionChunks(changes.sessions, this.#sizes)) this.#chunks.add(chunk);
    for (const { site, day, users } of changes.users) this.#statements.addUsers.run(site, day, users);
    this.#ids.add(changes.ids, changes.forgottenUpToMs);
    for (const setting of changes.settings) this.#writeSetting(setting);
  }

  #writeSite({ number, siteId, visitors, sessions, endMs }: SiteChange): void {
    this.#statements.putSite.run(number, siteId, visitors, sessions, sessions === 0 ? null : endMs);
  }

  #writeJoined({ site, stream, gone, session, firstPeriod, lastPeriod }: JoinedSession): void {
    // One by one: a range of periods would go through all of their sessions.
    for (let period = firstPeriod; period <= lastPeriod; period += 1) {
      this.#statements.removeSession.run(site, period, stream, gone);
    }
    this.#statements.addAlias.run(site, gone, session);
  }

  #writeEvents(chunk: NewChunk): void {
    this.#chunks.add(chunk);
    const { buffer, byteOffset, byteLength } = chunk.packed;
    const columns = unpack(Buffer.from(buffer, byteOffset, byteLength));
    for (const views of dayViews(columns)) this.#pathCounts.add(chunk.site, views);
  }

  #writeSetting(setting: SettingChange): void {
    const { setSite, setGoal, removeGoal } = this.#statements;
    if ("name" in setting) setSite.run(setting.name, setting.timeZone, setting.site);
    else if (setting.filter === null) removeGoal.run(setting.site, setting.goal);
    else setGoal.run(setting.site, setting.goal, setting.filter);
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database) {
  // Of an INSERT with SELECT and ON CONFLICT, SQLite's grammar wants the WHERE.
  const putVisitors = (visitor: string): Statement<[number, string]> =>
    database.prepare(`
      INSERT INTO visitors SELECT ?, ${visitor}, value >> 1, value & 1 FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET is_user = excluded.is_user`);
  return {
    putSite: database.prepare(`
      INSERT INTO sites (id, site_id, visitors, sessions, latest_ms) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE
      SET visitors = excluded.visitors, sessions = excluded.sessions, latest_ms = excluded.latest_ms`),
    putUsers: putVisitors("key"),
    putHashes: putVisitors("unhex(key)"),
    removeSession: database.prepare(
      "DELETE FROM sessions WHERE site = ? AND period = ? AND stream = ? AND number = ?",
    ),
    addAlias: database.prepare("INSERT INTO session_aliases VALUES (?, ?, ?)"),
    addUsers: database.prepare(`
      INSERT INTO site_days (site, day, views, users) VALUES (?, ?, 0, ?)
      ON CONFLICT DO UPDATE SET users = users + excluded.users`),
    setSite: database.prepare("UPDATE sites SET name = ?, time_zone = ? WHERE id = ?"),
    setGoal: database.prepare("INSERT OR REPLACE INTO goals VALUES (?, ?, ?)"),
    removeGoal: database.prepare("DELETE FROM goals WHERE site = ? AND name = ?"),
  };
}
