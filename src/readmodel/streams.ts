// What is in memory of a visitor's sessions.

import type { Session } from "../projector/session.ts";

/** A session, and what the table has of it: rows of the periods from `firstPeriod` to `lastPeriod`, none when
 *  that is below. */
export interface KnownSession extends Session {
  firstPeriod: number;
  lastPeriod: number;
  /** The batch in which it changed last. */
  changedIn: number;
  /** Whether it became part of another one. */
  isGone: boolean;
}

/** What one visitor did, or a bot in its name, around the event that came last: between the times `fromMs` and `toMs`, both
 *  excluded, no session of it but `current` has an event. A time that is undefined is beyond all. */
export interface Stream {
  /** Twice the visitor's number, and one more for a bot's. */
  streamNumber: number;
  current: KnownSession | undefined;
  fromMs: number | undefined;
  toMs: number | undefined;
}

// Written out, without spreads: most events make one.

export function newSession(number: number, stream: number, timeMs: number): KnownSession {
  return {
    number,
    stream,
    startMs: timeMs,
    lengthMs: 0,
    events: 0,
    pageviews: 0,
    entryAfterMs: 0,
    entryPath: "",
    exitAfterMs: 0,
    exitPath: "",
    firstPeriod: 0,
    lastPeriod: -1,
    changedIn: -1,
    isGone: false,
  };
}
