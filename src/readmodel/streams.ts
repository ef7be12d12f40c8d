// What is in memory of a visitor's sessions.

import { dayOf } from "../ingest/timestamp.ts";
import type { Session } from "../projector/session.ts";

/** A session, and what the table has of it: rows of the days from `firstDay` to `lastDay`, none when that is below. */
export interface KnownSession extends Session {
  firstDay: number;
  lastDay: number;
  /** The batch in which it changed last. */
  changedIn: number;
  /** Whether it became part of another one. */
  isGone: boolean;
}

/** What one visitor did, or a bot in its name, around the event that came last: between the times `fromMs` and `toMs`, both
 *  excluded, no session of it but `current` has an event. */
export interface Stream {
  readonly number: number;
  current: KnownSession | undefined;
  fromMs: number;
  toMs: number;
  /** None of its sessions ends later than this and than those of all streams that are not in memory. */
  endMs: number;
  /** Its other sessions that may not be in the table; undefined for none. */
  unwritten: UnwrittenSessions | undefined;
}

/**
 * Sessions of a stream that changed in this batch or the one before, by their days: while a batch is folded, the one before
 * may not be written yet.
 */
export class UnwrittenSessions {
  #batch = 0;
  #days = new Map<number, Set<KnownSession>>();
  #daysBefore = new Map<number, Set<KnownSession>>();
  /** How many days a session of this batch is listed on. */
  #listed = new Map<KnownSession, { firstDay: number; lastDay: number }>();

  /** Takes a session that will not change before it is taken out; it may be taken again. */
  add(known: KnownSession, batch: number): void {
    this.#goOnTo(batch);
    const [firstDay, lastDay] = [dayOf(known.startMs), dayOf(known.endMs)];
    const listed = this.#listed.get(known);
    for (let day = firstDay; day <= lastDay; day += 1) {
      // One can have very many days, and be added for each of its events.
      if (listed && day === listed.firstDay) day = listed.lastDay;
      else this.#listOn(day, known);
    }
    this.#listed.set(known, { firstDay, lastDay });
  }

  /** The sessions with an event on `day`, those that are gone among them. */
  *ofDay(day: number, batch: number): Iterable<KnownSession> {
    this.#goOnTo(batch);
    yield* this.#daysBefore.get(day) ?? [];
    yield* this.#days.get(day) ?? [];
  }

  /** Whether there is one with an event on `day`. */
  hasOn(day: number, batch: number): boolean {
    this.#goOnTo(batch);
    return this.#days.has(day) || this.#daysBefore.has(day);
  }

  #listOn(day: number, known: KnownSession): void {
    let sessions = this.#days.get(day);
    if (!sessions) {
      sessions = new Set();
      this.#days.set(day, sessions);
    }
    sessions.add(known);
  }

  #goOnTo(batch: number): void {
    if (batch === this.#batch) return;
    this.#daysBefore = batch === this.#batch + 1 ? this.#days : new Map();
    this.#days = new Map();
    this.#listed = new Map();
    this.#batch = batch;
  }
}
