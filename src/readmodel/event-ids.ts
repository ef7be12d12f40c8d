// Which events of a site count: of those with the same event id from their sender, the first in log order, until the window
// has passed since the receipt of that one. It is judged event by event, whatever the batch.
//
// While batch n is folded, the table has what counted up to batch n - 2, and perhaps in n - 1; what counted in n - 1 and n is in
// memory.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { IdChanges } from "./changes.ts";

/** Reads event ids from the table, many at a time. */
export class StoredIds {
  readonly #received: Statement<[string, number], [eventId: string, receivedAtMs: number]>;

  constructor(database: Database) {
    this.#received = database
      .prepare<[string, number], [string, number]>(`
        SELECT event_id, received_at_ms FROM json_each(?) AS ids
        CROSS JOIN dedupe WHERE site = ? AND event_id = ids.value`)
      .raw();
  }

  /** When those of `eventIds` that are remembered were received. */
  received(site: number, eventIds: readonly string[]): [eventId: string, receivedAtMs: number][] {
    return this.#received.all(JSON.stringify(eventIds), site);
  }
}

export class EventIds {
  readonly #site: number;
  readonly #stored: StoredIds;
  readonly #windowMs: number;
  /** When those were received that counted in this batch, and in the one before, which may not be written yet. */
  #counted = new Map<string, number>();
  #countedBefore = new Map<string, number>();
  /** Of the ids that are about to be judged, what the table has. */
  #known = new Map<string, number>();
  #unknown: string[] = [];

  constructor(site: number, stored: StoredIds, windowMs: number) {
    this.#site = site;
    this.#stored = stored;
    this.#windowMs = windowMs;
  }

  /** Is told of an id that counts() will be asked about, when load() was called. */
  expect(eventId: string): void {
    if (!this.#counted.has(eventId) && !this.#countedBefore.has(eventId)) this.#unknown.push(eventId);
  }

  /** Reads what the table has of the ids that were expected since the last time. */
  load(): void {
    if (this.#unknown.length === 0) return;
    this.#known = new Map(this.#stored.received(this.#site, this.#unknown.sort()));
    this.#unknown = [];
  }

  /** Whether an event counts; from now on it has, if so. Those with ids come in log order. */
  counts({ clientEventId: eventId, receivedAtMs }: LoggedEvent): boolean {
    if (eventId === undefined) return true;
    const last = this.#counted.get(eventId) ?? this.#countedBefore.get(eventId) ?? this.#known.get(eventId);
    if (last !== undefined && receivedAtMs - last < this.#windowMs) return false;
    this.#counted.set(eventId, receivedAtMs);
    return true;
  }

  /** Forgets what counted in the batch before this one, when that is written. */
  forget(): void {
    this.#countedBefore = new Map();
    this.#known = new Map();
  }

  /** What counted in this batch, to be written; undefined for nothing. The next batch begins. */
  takeChanges(): IdChanges | undefined {
    const counted = this.#counted;
    this.#countedBefore = counted;
    this.#counted = new Map();
    this.#known = new Map();
    if (counted.size === 0) return undefined;
    // As the tree has them: neighbours share pages.
    const eventIds = [...counted.keys()].sort();
    const receivedAtMs = Float64Array.from(eventIds, (eventId) => counted.get(eventId) ?? 0);
    return { site: this.#site, eventIds, receivedAtMs };
  }
}
