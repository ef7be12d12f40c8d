// The rows of the table `visitors`: each visitor of a site has a number. A sent user id is a text there, and a hash made at
// ingest a blob, so that no user id can be taken for a hash.

import type { Database, Statement } from "better-sqlite3";

export class VisitorRows {
  readonly #number: Statement<[number, string | Buffer], { number: number }>;
  readonly #addUsers: Statement<[number, string]>;
  readonly #addHashes: Statement<[number, string]>;

  constructor(database: Database) {
    this.#number = database.prepare("SELECT number FROM visitors WHERE site = ? AND visitor = ?");
    // As in aggregates.ts: one JSON text for all keys.
    this.#addUsers = database.prepare(
      "INSERT INTO visitors SELECT ?, value ->> 0, value ->> 1 FROM json_each(?)",
    );
    this.#addHashes = database.prepare(
      "INSERT INTO visitors SELECT ?, unhex(value ->> 0), value ->> 1 FROM json_each(?)",
    );
  }

  ofUser(site: number, userId: string): number | undefined {
    return this.#number.get(site, userId)?.number;
  }

  /** `hash` has a character for each of its bytes. */
  ofHash(site: number, hash: string): number | undefined {
    return this.#number.get(site, Buffer.from(hash, "latin1"))?.number;
  }

  add(site: number, users: ReadonlyMap<string, number>, hashes: ReadonlyMap<string, number>): void {
    if (users.size > 0) this.#addUsers.run(site, rowsOf(users));
    if (hashes.size > 0) this.#addHashes.run(site, rowsOf(hashes, hexOf));
  }
}

function hexOf(hash: string): string {
  return Buffer.from(hash, "latin1").toString("hex");
}

/** Sorted, about as the tree has them: neighbours share pages. */
function rowsOf(numbers: ReadonlyMap<string, number>, written = (visitor: string) => visitor): string {
  const visitors = [...numbers.keys()].sort();
  return JSON.stringify(visitors.map((visitor) => [written(visitor), numbers.get(visitor)]));
}
