// Gives the events of a site their visitor and their session. What a visitor did of late is in memory, so that an event that
// comes about when it happened costs no look-up.
//
// While batch n is folded, the tables have all up to batch n - 2, and perhaps n - 1; whatever n - 1 and n changed is in memory.

import { dayOf } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import {
  addToSession,
  endOf,
  isOf,
  mergeSessions,
  SESSION_GAP_MS,
  type Session,
} from "../projector/session.ts";
import type { JoinedSession } from "./changes.ts";
import { DayVisitors } from "./day-visitors.ts";
import type { Novelty } from "./new-users.ts";
import { PERIOD_MS, periodOf, periodsOf } from "./session-periods.ts";
import type { StoredSessions } from "./stored-sessions.ts";
import { type KnownSession, newSession, type Stream } from "./streams.ts";
import { UnwrittenSessions } from "./unwritten-sessions.ts";
import type { Visitor, Visitors } from "./visitors.ts";

/** What an event is of, by their numbers in the site; 0 where it is of none. */
export interface Belonging extends Novelty {
  readonly visitor: number;
  readonly session: number;
}

const OF_NOBODY: Belonging = { visitor: 0, session: 0, isNewUser: false, isNewOnDay: false };

/** What was stored of a site. */
export interface SessionCounts {
  /** How many numbers were given. */
  readonly sessions: number;
  /** No session ends later. */
  readonly endMs: number;
}

export class Sessions {
  readonly days = new DayVisitors();
  readonly #site: number;
  readonly #visitors: Visitors;
  readonly #stored: StoredSessions;
  readonly #unwritten = new UnwrittenSessions();
  /** One for all events: most are garbage at once. */
  readonly #found = { ...OF_NOBODY };
  /** What is to be written. */
  #changed: KnownSession[] = [];
  #joined: JoinedSession[] = [];
  #count: number;
  /** No session ends later. */
  #endMs: number;
  /** The same when rotate() was called last. */
  #endMsBefore: number;
  /** No session of a stream that is not in memory ends later. */
  #otherEndMs: number;

  constructor(site: number, visitors: Visitors, stored: StoredSessions, counts: SessionCounts) {
    this.#site = site;
    this.#visitors = visitors;
    this.#stored = stored;
    this.#count = counts.sessions;
    this.#endMs = counts.endMs;
    this.#endMsBefore = counts.endMs;
    this.#otherEndMs = counts.endMs;
  }

  get counts(): SessionCounts {
    return { sessions: this.#count, endMs: this.#endMs };
  }

  /** Takes an event of `visitor`; they come in log order. What it returns is another one's with the next event. */
  add(event: LoggedEvent, visitor: Visitor | undefined, batch: number): Belonging {
    if (!visitor) return OF_NOBODY;
    const isBot = event.more?.isBot ?? false;
    const stream = this.#streamOf(visitor, event, isBot);
    this.#find(stream, event.timeMs, batch);
    const isUser = event.userId !== "" && !isBot;
    const isNewUser = isUser && this.#visitors.becomesUser(visitor, event);
    const isNewOnDay = isUser && this.#isNewOnDay(visitor.number, stream, event.timeMs, batch);
    const found = this.#found;
    found.visitor = visitor.number;
    found.session = this.#addTo(stream, event, batch);
    found.isNewUser = isNewUser;
    found.isNewOnDay = isNewOnDay;
    return found;
  }

  /** What changed, to be written. */
  takeChanges(): { sessions: KnownSession[]; joined: JoinedSession[] } {
    const changes = { sessions: this.#changed.filter(({ isGone }) => !isGone), joined: this.#joined };
    this.#changed = [];
    this.#joined = [];
    this.#unwritten.endBatch();
    return changes;
  }

  /** Forgets what is of use only until the batch before this one is written. */
  forgetWritten(): void {
    this.#unwritten.forget();
  }

  /** Is told that the visitors who had no event since the last time are not in memory any more. */
  rotate(): void {
    this.#otherEndMs = this.#endMsBefore;
    this.#endMsBefore = this.#endMs;
  }

  #streamOf(visitor: Visitor, event: LoggedEvent, isBot: boolean): Stream {
    if (isBot && visitor.bot) return visitor.bot;
    if (!isBot && visitor.isStream) return visitor;
    let fromMs: number | undefined = this.#otherEndMs;
    if (visitor.number === 0) {
      this.#visitors.number(visitor, event);
      // Of a new visitor it is known that there are no sessions, at whatever time.
      fromMs = undefined;
    }
    if (isBot) {
      visitor.bot = { streamNumber: visitor.number * 2 + 1, current: undefined, fromMs, toMs: undefined };
      return visitor.bot;
    }
    visitor.isStream = true;
    visitor.streamNumber = visitor.number * 2;
    visitor.fromMs = fromMs;
    return visitor;
  }

  /** Whether an event at `timeMs` is the first of a visitor's own on its day. The stream must be known around it. */
  #isNewOnDay(visitor: number, stream: Stream, timeMs: number, batch: number): boolean {
    const { current } = stream;
    const day = dayOf(timeMs);
    // A session has an event on each of its days.
    if (current && isOn(current, day)) return false;
    const hasCome = this.days.hasCome(day, visitor, dayOf(this.#endMs), batch);
    if (hasCome !== undefined) return !hasCome;
    return periodsOf(day).every((period) => isKnown(stream, period) || !this.#hasIn(period, stream));
  }

  #hasIn(period: number, { streamNumber }: Stream): boolean {
    return (
      this.#unwritten.hasIn(period, streamNumber) || this.#stored.hasIn(this.#site, period, streamNumber)
    );
  }

  /** The number of the session. */
  #addTo(stream: Stream, event: LoggedEvent, batch: number): number {
    const { timeMs } = event;
    let { current } = stream;
    if (current && isOf(current, timeMs)) addToSession(current, event);
    else {
      if (current) {
        narrow(stream, current, timeMs);
        this.#leave(current, batch);
      }
      this.#count += 1;
      current = newSession(this.#count, stream.streamNumber, timeMs);
      addToSession(current, event);
      stream.current = current;
    }
    if (timeMs > this.#endMs) this.#endMs = timeMs;
    this.#change(current, batch);
    return current.number;
  }

  #change(known: KnownSession, batch: number): void {
    if (known.changedIn === batch) return;
    known.changedIn = batch;
    this.#changed.push(known);
  }

  /** Makes the stream known around `timeMs`. */
  #find(stream: Stream, timeMs: number, batch: number): void {
    const { fromMs, toMs } = stream;
    const isKnownBefore = fromMs === undefined || timeMs - SESSION_GAP_MS >= fromMs;
    const isKnownBehind = toMs === undefined || timeMs + SESSION_GAP_MS <= toMs;
    if (!isKnownBefore || !isKnownBehind) this.#look(stream, timeMs, batch);
  }

  /** Finds out which sessions there are around `timeMs`. Two that an event then joins become one. */
  #look(stream: Stream, timeMs: number, batch: number): void {
    const [first, last] = [periodOf(timeMs - SESSION_GAP_MS), periodOf(timeMs + SESSION_GAP_MS)];
    const periods = first === last ? [first] : [first, last];
    if (stream.current) this.#leave(stream.current, batch);
    stream.current = undefined;
    stream.fromMs = first * PERIOD_MS - 1;
    const toMs = (last + 1) * PERIOD_MS;
    stream.toMs = toMs <= this.#endMs ? toMs : undefined;
    const joined: KnownSession[] = [];
    for (const known of this.#sessionsOf(stream, periods)) {
      if (isOf(known, timeMs)) joined.push(known);
      else narrow(stream, known, timeMs);
    }
    const [one, other] = joined;
    if (!one) return;
    stream.current = other ? this.#merge(stream, one, other, batch) : one;
    // Sessions are apart, so what comes within this one needs no further look, however many periods it has.
    stream.fromMs = Math.min(stream.fromMs, stream.current.startMs - SESSION_GAP_MS);
    if (stream.toMs !== undefined)
      stream.toMs = Math.max(stream.toMs, endOf(stream.current) + SESSION_GAP_MS);
  }

  /** Those with an event in one of `periods`. */
  #sessionsOf(stream: Stream, periods: readonly number[]): KnownSession[] {
    const sessions = new Map<number, KnownSession>();
    for (const session of this.#stored.ofPeriods(this.#site, periods, stream.streamNumber)) {
      sessions.set(session.number, storedAs(session));
    }
    for (const period of periods) {
      for (const known of this.#unwritten.ofPeriod(period, stream.streamNumber)) {
        sessions.set(known.number, known);
      }
    }
    return [...sessions.values()].filter(({ isGone }) => !isGone);
  }

  #merge(stream: Stream, one: KnownSession, other: KnownSession, batch: number): KnownSession {
    const [earlier, later] = one.startMs < other.startMs ? [one, other] : [other, one];
    const session = mergeSessions(earlier, later);
    const [kept, gone] = one.number === session.number ? [one, other] : [other, one];
    Object.assign(kept, session);
    this.#change(kept, batch);
    gone.isGone = true;
    this.#joined.push({
      ...{ site: this.#site, stream: stream.streamNumber, gone: gone.number, session: session.number },
      ...{ firstPeriod: periodOf(gone.startMs), lastPeriod: periodOf(endOf(gone)) },
    });
    this.#unwritten.add(gone);
    return kept;
  }

  /** Remembers a session that stops being the current one, when it may not be written yet as it is. */
  #leave(current: KnownSession, batch: number): void {
    if (current.changedIn >= batch - 1) this.#unwritten.add(current);
  }
}

function storedAs(session: Session): KnownSession {
  const [firstPeriod, lastPeriod] = [periodOf(session.startMs), periodOf(endOf(session))];
  return { ...session, firstPeriod, lastPeriod, changedIn: -1, isGone: false };
}

function isOn(session: Session, day: number): boolean {
  return dayOf(session.startMs) <= day && day <= dayOf(endOf(session));
}

/** Whether it is known that a stream has no session in `period`, but for its current one. */
function isKnown({ fromMs, toMs }: Stream, period: number): boolean {
  const startMs = period * PERIOD_MS;
  return (fromMs === undefined || fromMs < startMs) && (toMs === undefined || toMs >= startMs + PERIOD_MS);
}

/** Of a session that an event at `timeMs` is not of: what is known of the stream ends before it. */
function narrow(stream: Stream, session: Session, timeMs: number): void {
  const endMs = endOf(session);
  if (endMs < timeMs) stream.fromMs = Math.max(stream.fromMs ?? endMs, endMs);
  else stream.toMs = Math.min(stream.toMs ?? session.startMs, session.startMs);
}
