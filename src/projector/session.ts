// Sessions: a visitor's events, by their own times, without a gap of half an hour from one to the next.
//
// What a session is depends on the set of events alone, not on the order in which they come: an event joins the session
// that it is less than the gap away from, and where it is so from two, they become one. Events only ever join sessions,
// and never part them. Of events with the same time, the one that comes first in the log is the earlier.

import type { LoggedEvent } from "./event-decoder.ts";
import { VIEW } from "./page-view.ts";

export const SESSION_GAP_MS = 30 * 60 * 1000;

/** A session as far as its events are known. Of its times one alone is in ms since 1970: V8 makes an object of each such
 *  number, and none of the small ones from there on. */
export interface Session {
  /** In its site, from 1 in the order of the log. */
  readonly number: number;
  /** Whose it is: twice the visitor's number, and one more when it is of a bot. */
  readonly stream: number;
  startMs: number;
  /** From the start to the last event. */
  lengthMs: number;
  events: number;
  pageviews: number;
  /** The time from the start, and path, of the first page view and of the last; of no meaning without page views. */
  entryAfterMs: number;
  entryPath: string;
  exitAfterMs: number;
  exitPath: string;
}

/** When its last event was, in ms since 1970. */
export function endOf(session: Session): number {
  return session.startMs + session.lengthMs;
}

/** Whether an event at `timeMs` is one of `session`. */
export function isOf(session: Session, timeMs: number): boolean {
  return timeMs - endOf(session) < SESSION_GAP_MS && session.startMs - timeMs < SESSION_GAP_MS;
}

/** A session of one page view and nothing else, as most are. */
export function oneView(number: number, stream: number, startMs: number, path: string): Session {
  return {
    ...{ number, stream, startMs, lengthMs: 0, events: 1, pageviews: 1 },
    ...{ entryAfterMs: 0, entryPath: path, exitAfterMs: 0, exitPath: path },
  };
}

/** Whether it is such a one. */
export function isOneView({ events, pageviews }: Session): boolean {
  return events === 1 && pageviews === 1;
}

/** Takes an event that is one of `session`, and later in the log than all that it has. */
export function addToSession(session: Session, { timeMs, eventType, path }: LoggedEvent): void {
  if (timeMs < session.startMs) beginAt(session, timeMs);
  const afterMs = small(timeMs - session.startMs);
  if (afterMs > session.lengthMs) session.lengthMs = afterMs;
  session.events += 1;
  if (eventType !== VIEW) return;
  if (session.pageviews === 0 || afterMs < session.entryAfterMs) {
    session.entryAfterMs = afterMs;
    session.entryPath = path;
  }
  if (session.pageviews === 0 || afterMs >= session.exitAfterMs) {
    session.exitAfterMs = afterMs;
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
    lengthMs: small(endOf(later) - earlier.startMs),
    events: earlier.events + later.events,
    pageviews: earlier.pageviews + later.pageviews,
    entryAfterMs: small(entry.startMs + entry.entryAfterMs - earlier.startMs),
    entryPath: entry.entryPath,
    exitAfterMs: small(exit.startMs + exit.exitAfterMs - earlier.startMs),
    exitPath: exit.exitPath,
  };
}

function beginAt(session: Session, startMs: number): void {
  const earlierMs = session.startMs - startMs;
  session.startMs = startMs;
  session.lengthMs = small(session.lengthMs + earlierMs);
  session.entryAfterMs = small(session.entryAfterMs + earlierMs);
  session.exitAfterMs = small(session.exitAfterMs + earlierMs);
}

/** The same whole number, as one that V8 makes no object of, if there is one. */
export function small(number: number): number {
  const same = number | 0;
  return same === number ? same : number;
}
