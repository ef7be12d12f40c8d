import type { Database } from "better-sqlite3";

/** The secret key of the hashes that a read model has. */
export function hashKeyOf(database: Database): Buffer {
  const key = database.prepare<[], Buffer>("SELECT key FROM hash_key").pluck().get();
  if (!key) throw new Error("the read model lacks the key of its hashes");
  return key;
}
