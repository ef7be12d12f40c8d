// Which events count: of those of a site with the same event id from their sender, the first in log order, until the
// window has passed since the receipt of that one. It is judged event by event, whatever the batch.
//
// Ids are remembered many at a time. Invariant: a statement never has the same id twice, so what it says of an id does
// not depend on the order in which SQLite takes its rows.

import type { Database, Statement } from "better-sqlite3";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import { placeholders, ROWS_AT_A_TIME } from "./bulk-insert.ts";

type Value = string | number;

interface Candidate {
  readonly event: LoggedEvent;
  readonly site: number;
  readonly eventId: string;
}

export class Dedupe {
  readonly #windowMs: number;
  readonly #rememberMany: Statement<[Value[]], { site: number; event_id: string }>;
  readonly #rememberOne: Statement<[Value[]]>;
  readonly #forget: Statement<[number]>;

  constructor(database: Database, windowMs: number) {
    this.#windowMs = windowMs;
    const remember = (rows: number) => `
      INSERT INTO dedupe VALUES ${placeholders(3, rows)}
      ON CONFLICT DO UPDATE SET received_at_ms = excluded.received_at_ms
      WHERE excluded.received_at_ms - received_at_ms >= ?`;
    this.#rememberMany = database.prepare<[Value[]], { site: number; event_id: string }>(
      `${remember(ROWS_AT_A_TIME)} RETURNING site, event_id`,
    );
    this.#rememberOne = database.prepare<[Value[]]>(remember(1));
    this.#forget = database.prepare("DELETE FROM dedupe WHERE received_at_ms <= ?");
  }

  /** The `events` that count, in order. `siteNumber` gives the number of a site id. */
  counted(events: readonly LoggedEvent[], siteNumber: (siteId: string) => number): readonly LoggedEvent[] {
    const duplicates = new Set<LoggedEvent>();
    let candidates = new Map<string, Candidate>();
    for (const event of events) {
      const { clientEventId: eventId, siteId } = event;
      if (eventId === undefined) continue;
      const site = siteNumber(siteId);
      const key = keyOf(site, eventId);
      if (candidates.has(key) || candidates.size === ROWS_AT_A_TIME) {
        this.#remember(candidates, duplicates);
        candidates = new Map();
      }
      candidates.set(key, { event, site, eventId });
    }
    this.#remember(candidates, duplicates);
    return duplicates.size === 0 ? events : events.filter((event) => !duplicates.has(event));
  }

  /** Removes the ids whose window has passed at `receivedAtMs`. */
  forget(receivedAtMs: number): void {
    this.#forget.run(receivedAtMs - this.#windowMs);
  }

  #remember(candidates: ReadonlyMap<string, Candidate>, duplicates: Set<LoggedEvent>): void {
    if (candidates.size === ROWS_AT_A_TIME) {
      const values: Value[] = [];
      for (const { event, site, eventId } of candidates.values()) {
        values.push(site, eventId, event.receivedAtMs);
      }
      values.push(this.#windowMs);
      const remembered = this.#rememberMany.all(values);
      if (remembered.length === candidates.size) return;
      const counted = new Set(remembered.map(({ site, event_id }) => keyOf(site, event_id)));
      for (const [key, { event }] of candidates) if (!counted.has(key)) duplicates.add(event);
      return;
    }
    for (const { event, site, eventId } of candidates.values()) {
      const values = [site, eventId, event.receivedAtMs, this.#windowMs];
      if (this.#rememberOne.run(values).changes === 0) duplicates.add(event);
    }
  }
}

function keyOf(site: number, eventId: string): string {
  return `${site} ${eventId}`;
}
