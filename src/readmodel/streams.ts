// What is in memory of a visitor's sessions.

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
}

// Written out, without spreads: most events make one of each.

export function newSession(number: number, stream: number, timeMs: number): KnownSession {
  return {
    number,
    stream,
    startMs: timeMs,
    endMs: timeMs,
    events: 0,
    pageviews: 0,
    entryMs: timeMs,
    entryPath: "",
    exitMs: timeMs,
    exitPath: "",
    firstDay: 0,
    lastDay: -1,
    changedIn: -1,
    isGone: false,
  };
}

export function newStream(number: number, fromMs: number): Stream {
  return {
    number,
    current: undefined,
    fromMs,
    toMs: Number.POSITIVE_INFINITY,
    endMs: Number.NEGATIVE_INFINITY,
  };
}
