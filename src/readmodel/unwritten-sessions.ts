// Sessions of a site that changed in the batch that is being folded or in the one before, and that were their stream's current
// one: the one before may not be written yet.

import { endOf } from "../projector/session.ts";
import { periodOf } from "./session-periods.ts";
import type { KnownSession } from "./streams.ts";

/** By period and stream. */
type ByPeriod = Map<number, Map<number, KnownSession[]>>;

export class UnwrittenSessions {
  #periods: ByPeriod = new Map();
  #periodsBefore: ByPeriod = new Map();

  /** Takes a session that stops being the current one, under the periods that it has. When it is that again, and changes, it is
   *  found here as what it is then; and it is taken again when it stops. */
  add(known: KnownSession): void {
    const last = periodOf(endOf(known));
    for (let period = periodOf(known.startMs); period <= last; period += 1) {
      const streams = this.#streamsOf(period);
      const sessions = streams.get(known.stream);
      // Most streams have one. To an array that is empty at first, V8 gives room for seventeen.
      if (!sessions) streams.set(known.stream, [known]);
      else if (!sessions.includes(known)) sessions.push(known);
    }
  }

  /** The sessions of a stream with an event in `period`, those that are gone among them. */
  ofPeriod(period: number, stream: number): readonly KnownSession[] {
    const before = this.#periodsBefore.get(period)?.get(stream) ?? [];
    return [...before, ...(this.#periods.get(period)?.get(stream) ?? [])];
  }

  /** Whether a stream has one with an event in `period`. */
  hasIn(period: number, stream: number): boolean {
    return this.#periods.get(period)?.has(stream) || this.#periodsBefore.get(period)?.has(stream) || false;
  }

  endBatch(): void {
    this.#periodsBefore = this.#periods;
    this.#periods = new Map();
  }

  /** Forgets those of the batch before this one, when that is written. */
  forget(): void {
    this.#periodsBefore = new Map();
  }

  #streamsOf(period: number): Map<number, KnownSession[]> {
    let streams = this.#periods.get(period);
    if (!streams) {
      streams = new Map();
      this.#periods.set(period, streams);
    }
    return streams;
  }
}
