// Which events of a site count: of those with the same event id from their sender, the first in log order, until the window
// has passed since the receipt of that one. It is judged event by event, whatever the batch.
//
// While batch n is folded, the table has what counted up to batch n - 2, and perhaps in n - 1; what counted in n - 1 and n is in
// memory.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { IdChanges } from "./changes.ts";
import { digitsOf, kindsOf } from "./id-kinds.ts";

/** The place of an id among those that are asked about, and when it was received. */
type Found = [place: number, receivedAtMs: number];

/** Reads event ids from the table, many at a time. */
export class StoredIds {
  readonly #uuids: Statement<[string, number], Found>;
  readonly #others: Statement<[string, number], Found>;

  constructor(database: Database) {
    const select = (eventId: string) =>
      database
        .prepare<[string, number], Found>(`
          SELECT ids.key, received_at_ms FROM json_each(?) AS ids
          CROSS JOIN dedupe WHERE site = ? AND event_id = ${eventId}`)
        .raw();
    this.#uuids = select("unhex(ids.value)");
    this.#others = select("ids.value");
  }

  /** When those of `eventIds` that are remembered were received. */
  received(site: number, eventIds: readonly string[]): Map<string, number> {
    const { uuids, others } = kindsOf(eventIds);
    return new Map([
      ...find(this.#uuids, site, uuids, uuids.map(digitsOf)),
      ...find(this.#others, site, others, others),
    ]);
  }
}

/** Those of `ids` that a statement finds, as they are `stored`. */
function find(
  statement: Statement<[string, number], Found>,
  site: number,
  ids: readonly string[],
  stored: readonly string[],
): [eventId: string, receivedAtMs: number][] {
  if (ids.length === 0) return [];
  const found = statement.all(JSON.stringify(stored), site);
  return found.map(([place, receivedAtMs]) => [ids[place] ?? "", receivedAtMs]);
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
    this.#known = this.#stored.received(this.#site, this.#unknown.sort());
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
    const { uuids, others } = kindsOf([...counted.keys()].sort());
    const json = (ids: readonly string[], stored: (id: string) => string) =>
      ids.length === 0
        ? ""
        : `{${ids.map((id) => `${JSON.stringify(stored(id))}:${counted.get(id)}`).join(",")}}`;
    return { site: this.#site, uuids: json(uuids, digitsOf), others: json(others, (id) => id) };
  }
}
