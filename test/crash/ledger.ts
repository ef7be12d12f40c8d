// What was sent, how often, and how often it was acknowledged. Each event has a marker that no other one has, in its
// path or in its user id, by which it is found again in the log and in the tables.

export interface SentEvent {
  readonly marker: string;
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  /** Empty: the time of receipt. */
  readonly timestamp: string;
  /** Empty: sent once, without an id. */
  readonly eventId: string;
}

export interface LedgerEntry {
  readonly event: SentEvent;
  attempts: number;
  acknowledged: number;
}

const MARKER = /m(\.\d+)+$/;

/** The marker in an event's path or user id; empty when there is none. */
export function markerOf(path: string | null, userId: string | null): string {
  return (MARKER.exec(userId ?? "") ?? MARKER.exec(path ?? ""))?.[0] ?? "";
}

export class Ledger {
  readonly #entries = new Map<string, LedgerEntry>();
  #acknowledged = 0;

  get entries(): ReadonlyMap<string, LedgerEntry> {
    return this.#entries;
  }

  /** How many events were acknowledged; each counts once. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The events are about to be sent. */
  sending(events: readonly SentEvent[]): void {
    for (const event of events) {
      const entry = this.#entries.get(event.marker);
      if (entry) entry.attempts += 1;
      else this.#entries.set(event.marker, { event, attempts: 1, acknowledged: 0 });
    }
  }

  /** The server said that it has the events. */
  acknowledge(events: readonly SentEvent[]): void {
    for (const { marker } of events) {
      const entry = this.#entries.get(marker);
      if (!entry) throw new Error(`${marker} is acknowledged and was never sent`);
      if (entry.acknowledged === 0) this.#acknowledged += 1;
      entry.acknowledged += 1;
    }
  }
}
