// The event ids that a read model remembers. How they are cut into runs depends on the batches, and so does when those that are past
// the window go; when each was received last does not. Their hashes have a random key.

import type { Database } from "better-sqlite3";
import { expect } from "vitest";
import { hashKeyOf } from "../../src/readmodel/hash-key.ts";
import { compareHash, ENTRY_WORDS, receivedAt } from "../../src/readmodel/id-entries.ts";
import { mayHave } from "../../src/readmodel/id-filter.ts";
import { ID_HASH_WORDS, IdHash } from "../../src/readmodel/id-hash.ts";
import { type IdRun, pageOf } from "../../src/readmodel/id-runs.ts";
import { toWords } from "../../src/readmodel/words.ts";

interface RunRow extends IdRun {
  readonly ids: number;
  readonly latest_ms: number;
  readonly filter: Buffer;
}

/** When each id was received last, by its hash. Expects the runs to be what they should be. */
export function rememberedByHash(database: Database): Map<string, number> {
  const latest = new Map<string, number>();
  const pagesFrom = database.prepare<[number, number], { id: number; entries: Buffer }>(
    "SELECT id, entries FROM id_pages WHERE id BETWEEN ? AND ? ORDER BY id",
  );
  let inRuns = 0;
  for (const run of database.prepare<[], RunRow>("SELECT * FROM id_runs").all()) {
    const pages = pagesFrom.all(pageOf(run, 0), pageOf(run, 2 ** 32 - 1));
    inRuns += pages.length;
    const filter = toWords(run.filter);
    const times: number[] = [];
    for (const page of pages) {
      const entries = toWords(page.entries);
      for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
        expect(pageOf(run, entries[at] ?? 0)).toBe(page.id);
        expect(mayHave(filter, entries, at)).toBe(true);
        if (at > 0) expect(compareHash(entries, at - ENTRY_WORDS, entries, at)).toBeLessThan(0);
        const hash = entries.subarray(at, at + ID_HASH_WORDS).join();
        times.push(receivedAt(entries, at));
        latest.set(hash, Math.max(latest.get(hash) ?? 0, receivedAt(entries, at)));
      }
    }
    expect(times).toHaveLength(run.ids);
    expect(times.reduce((one, other) => Math.max(one, other))).toBe(run.latest_ms);
  }
  expect(database.prepare("SELECT count(*) FROM id_pages").pluck().get()).toBe(inRuns);
  return latest;
}

/** When the ids were received that are remembered, in order: those after `afterMs`. */
export function rememberedTimes(database: Database, afterMs: number): number[] {
  return [...rememberedByHash(database).values()]
    .filter((receivedAtMs) => receivedAtMs > afterMs)
    .sort((a, b) => a - b);
}

/** What an id of a site has in rememberedByHash(). */
export function hashesOf(database: Database): (site: number, eventId: string) => string {
  const hash = new IdHash(hashKeyOf(database));
  return (site, eventId) => {
    const words = new Uint32Array(ID_HASH_WORDS);
    hash.put(site, eventId, words, 0);
    return words.join();
  };
}
