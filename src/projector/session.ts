// Sessions: a visitor's events, by their own times, without a gap of half an hour from one to the next.
//
// What a session is depends on the set of events alone, not on the order in which they come: an event joins the session
// that it is less than the gap away from, and where it is so from two, they become one. Events only ever join sessions,
// and never part them. Of events with the same time, the one that comes first in the log is the earlier.

import type { LoggedEvent } from "./event-decoder.ts";
import { VIEW } from "./fold.ts";

export const SESSION_GAP_MS = 30 * 60 * 1000;

/** A session as far as its events are known. Times are in ms since 1970. */
export interface Session {
  /** In its site, from 1 in the order of the log. */
  readonly number: number;
  /** Whose it is: twice the visitor's number, and one more when it is of a bot. */
  readonly stream: number;
  startMs: number;
  endMs: number;
  events: number;
  pageviews: number;
  /** The time and path of the first page view and of the last; of no meaning without page views. */
  entryMs: number;
  entryPath: string;
  exitMs: number;
  exitPath: string;
}

/** Whether an event at `timeMs` is one of `session`. */
export function isOf(session: Session, timeMs: number): boolean {
  return timeMs - session.endMs < SESSION_GAP_MS && session.startMs - timeMs < SESSION_GAP_MS;
}

/** Takes an event that is one of `session`, and later in the log than all that it has. */
export function addToSession(session: Session, { timeMs, eventType, path }: LoggedEvent): void {
  session.startMs = Math.min(session.startMs, timeMs);
  session.endMs = Math.max(session.endMs, timeMs);
  session.events += 1;
  if (eventType !== VIEW) return;
  if (session.pageviews === 0 || timeMs < session.entryMs) {
    session.entryMs = timeMs;
    session.entryPath = path;
  }
  if (session.pageviews === 0 || timeMs >= session.exitMs) {
    session.exitMs = timeMs;
    session.exitPath = path;
  }
  session.pageviews += 1;
}

/** What two sessions are together, under the number of the one with more events. All of `earlier` is before all of `later`. */
export function mergeSessions(earlier: Session, later: Session): Session {
  const entry = earlier.pageviews > 0 ? earlier : later;
  const exit = later.pageviews > 0 ? later : earlier;
  return {
    number: (earlier.events >= later.events ? earlier : later).number,
    stream: earlier.stream,
    startMs: earlier.startMs,
    endMs: later.endMs,
    events: earlier.events + later.events,
    pageviews: earlier.pageviews + later.pageviews,
    entryMs: entry.entryMs,
    entryPath: entry.entryPath,
    exitMs: exit.exitMs,
    exitPath: exit.exitPath,
  };
}
