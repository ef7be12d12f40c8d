// Sessions of a site that changed in this batch or the one before, and that are not their stream's current one: while a batch
// is folded, the one before may not be written yet.

import { dayOf } from "../ingest/timestamp.ts";
import { endOf } from "../projector/session.ts";
import type { KnownSession } from "./streams.ts";

/** By day and stream. */
type ByDay = Map<number, Map<number, KnownSession[]>>;

export class UnwrittenSessions {
  #days: ByDay = new Map();
  #daysBefore: ByDay = new Map();

  /** Takes a session that will not change before it is taken out; it may be taken again. */
  add(known: KnownSession): void {
    const lastDay = dayOf(endOf(known));
    for (let day = dayOf(known.startMs); day <= lastDay; day += 1) {
      const sessions = this.#listOf(day, known.stream);
      if (!sessions.includes(known)) sessions.push(known);
    }
  }

  /** The sessions of a stream with an event on `day`, those that are gone among them. */
  ofDay(day: number, stream: number): readonly KnownSession[] {
    const before = this.#daysBefore.get(day)?.get(stream) ?? [];
    return [...before, ...(this.#days.get(day)?.get(stream) ?? [])];
  }

  /** Whether a stream has one with an event on `day`. */
  hasOn(day: number, stream: number): boolean {
    return this.#days.get(day)?.has(stream) || this.#daysBefore.get(day)?.has(stream) || false;
  }

  endBatch(): void {
    this.#daysBefore = this.#days;
    this.#days = new Map();
  }

  #listOf(day: number, stream: number): KnownSession[] {
    let streams = this.#days.get(day);
    if (!streams) {
      streams = new Map();
      this.#days.set(day, streams);
    }
    let sessions = streams.get(stream);
    if (!sessions) {
      sessions = [];
      streams.set(stream, sessions);
    }
    return sessions;
  }
}
