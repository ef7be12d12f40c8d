// Sessions of a site that changed in the batch that is being folded or in the one before, and that were their stream's current
// one: the one before may not be written yet.

import { dayOf } from "../ingest/timestamp.ts";
import { endOf } from "../projector/session.ts";
import type { KnownSession } from "./streams.ts";

/** By day and stream. */
type ByDay = Map<number, Map<number, KnownSession[]>>;

export class UnwrittenSessions {
  #days: ByDay = new Map();
  #daysBefore: ByDay = new Map();

  /** Takes a session that stops being the current one, under the days that it has. When it is that again, and changes, it is
   *  found here as what it is then; and it is taken again when it stops. */
  add(known: KnownSession): void {
    const lastDay = dayOf(endOf(known));
    for (let day = dayOf(known.startMs); day <= lastDay; day += 1) {
      const streams = this.#streamsOf(day);
      const sessions = streams.get(known.stream);
      // Most streams have one. To an array that is empty at first, V8 gives room for seventeen.
      if (!sessions) streams.set(known.stream, [known]);
      else if (!sessions.includes(known)) sessions.push(known);
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

  /** Forgets those of the batch before this one, when that is written. */
  forget(): void {
    this.#daysBefore = new Map();
  }

  #streamsOf(day: number): Map<number, KnownSession[]> {
    let streams = this.#days.get(day);
    if (!streams) {
      streams = new Map();
      this.#days.set(day, streams);
    }
    return streams;
  }
}
