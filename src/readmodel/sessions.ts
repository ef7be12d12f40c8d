// Gives events their visitor and their session, and writes what changed at the end of a batch. The sessions that end last are
// kept in memory, so that an event that comes about when it happened costs no look-up.
//
// Invariant: between batches, what is in memory is what the tables have.

import type { Database, Statement } from "better-sqlite3";
import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import { dayOf, MS_PER_DAY } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { Novelty } from "../projector/fold.ts";
import {
  addToSession,
  beginSession,
  isOf,
  mergeSessions,
  SESSION_GAP_MS,
  type Session,
} from "../projector/session.ts";
import { type ChunkSizes, Chunks } from "./chunks.ts";
import { DayVisitors } from "./day-visitors.ts";
import { SessionRows, type StoredSession } from "./session-rows.ts";
import { type Visitor, Visitors } from "./visitors.ts";

/** How much is kept in memory from one batch to the next. */
export interface Known {
  /** User ids, and hashes: mostly some 100 bytes each. It may be twice as many for a while. */
  readonly visitors: number;
  /** Visitors of days, some 40 bytes each where a day has many. */
  readonly dayVisitors: number;
  /** Streams and sites, mostly some 400 bytes each. */
  readonly streams: number;
}

export const KNOWN: Known = { visitors: 20_000, dayVisitors: 100_000, streams: 10_000 };

/** What an event is of, by their numbers in the site; 0 where it is of none. */
export interface Belonging extends Novelty {
  readonly visitor: number;
  readonly session: number;
}

const OF_NOBODY: Belonging = { visitor: 0, session: 0, isNewUser: false, isNewOnDay: false };

/** A stream around the event that came last: between the times `fromMs` and `toMs`, both excluded, no session of it but
 *  `current` has an event. */
interface Stream {
  readonly number: number;
  current: StoredSession | undefined;
  fromMs: number;
  toMs: number;
  /** None of its sessions ends later than this and the site's `otherEndMs`. */
  endMs: number;
  /** The write (Site.writes) before which a session of it changed last. */
  changedBefore: number;
}

interface Site {
  readonly streams: Map<number, Stream>;
  /** No session of a stream that is not in memory ends later. */
  otherEndMs: number;
  /** No session ends later. */
  endMs: number;
  /** What is not written yet. */
  readonly changed: Set<StoredSession>;
  /** Which write is the next one. */
  writes: number;
  /** How many numbers were given. */
  sessions: number;
}

export class Sessions {
  readonly #visitors: Visitors;
  readonly #days: DayVisitors;
  readonly #rows: SessionRows;
  readonly #chunks: Chunks;
  readonly #site: Statement<[number], { sessions: number; latest_ms: number | null }>;
  readonly #setSite: Statement<[number, number, number]>;
  readonly #most: number;
  readonly #sites = new Map<number, Site>();
  /** The sites that had an event in this batch. */
  readonly #touched = new Set<number>();
  /** How many sites and streams are in memory. */
  #known = 0;

  constructor(database: Database, sizes: ChunkSizes, known: Known) {
    this.#most = known.streams;
    this.#visitors = new Visitors(database, known.visitors);
    this.#days = new DayVisitors(database, known.dayVisitors);
    this.#rows = new SessionRows(database);
    this.#chunks = new Chunks(database, "session", sizes);
    this.#site = database.prepare("SELECT sessions, latest_ms FROM sites WHERE id = ?");
    this.#setSite = database.prepare("UPDATE sites SET sessions = ?, latest_ms = ? WHERE id = ?");
  }

  /** Takes an event of the site with the number `site`; they come in log order. */
  add(site: number, event: LoggedEvent): Belonging {
    const visitor = this.#visitors.of(site, event);
    if (!visitor) return OF_NOBODY;
    const state = this.#siteOf(site);
    this.#touched.add(site);
    const isBot = event.more?.isBot ?? false;
    const stream = this.#streamOf(state, visitor, isBot);
    this.#find(site, state, stream, event.timeMs);
    const isUser = event.userId !== "" && !isBot;
    const isNewUser = isUser && this.#visitors.becomesUser(site, visitor, event);
    const isNewOnDay = isUser && this.#isNewOnDay(site, state, stream, event.timeMs);
    const session = this.#addTo(state, stream, event);
    return { visitor: visitor.number, session: session.number, isNewUser, isNewOnDay };
  }

  /** Writes what changed. */
  flush(): void {
    for (const site of this.#touched) {
      const state = this.#siteOf(site);
      this.#write(site, state);
      this.#setSite.run(state.sessions, state.endMs, site);
    }
    this.#touched.clear();
    this.#visitors.flush();
    this.#chunks.flush();
    this.#days.trim();
    if (this.#known > this.#most) this.#trim();
  }

  /** Forgets all, as when the transaction is rolled back. */
  clear(): void {
    this.#visitors.clear();
    this.#days.clear();
    this.#rows.clear();
    this.#chunks.clear();
    this.#touched.clear();
    this.#forget();
  }

  #forget(): void {
    this.#sites.clear();
    this.#known = 0;
  }

  /** Forgets the streams of each site that end first: half of them, and all where that is too little. */
  #trim(): void {
    this.#known = this.#sites.size;
    for (const site of this.#sites.values()) {
      const ends = Float64Array.from(site.streams.values(), ({ endMs }) => endMs).sort();
      const middle = ends[ends.length >> 1] ?? Number.NEGATIVE_INFINITY;
      for (const [number, { endMs }] of site.streams) if (endMs <= middle) site.streams.delete(number);
      site.otherEndMs = Math.max(site.otherEndMs, middle);
      this.#known += site.streams.size;
    }
    if (this.#known > this.#most) this.#forget();
  }

  #siteOf(site: number): Site {
    let state = this.#sites.get(site);
    if (!state) {
      const stored = this.#site.get(site);
      const endMs = stored?.latest_ms ?? Number.NEGATIVE_INFINITY;
      state = {
        ...{ streams: new Map(), otherEndMs: endMs, endMs },
        ...{ changed: new Set(), writes: 0, sessions: stored?.sessions ?? 0 },
      };
      this.#sites.set(site, state);
      this.#known += 1;
    }
    return state;
  }

  #streamOf(state: Site, visitor: Visitor, isBot: boolean): Stream {
    const number = visitor.number * 2 + (isBot ? 1 : 0);
    let stream = state.streams.get(number);
    if (!stream) {
      // Of a new visitor it is known that there are no sessions, at whatever time.
      const fromMs = visitor.isNew ? Number.NEGATIVE_INFINITY : state.otherEndMs;
      const [toMs, endMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      stream = { number, current: undefined, fromMs, toMs, endMs, changedBefore: -1 };
      state.streams.set(number, stream);
      this.#known += 1;
    }
    visitor.isNew = false;
    return stream;
  }

  /** Whether an event at `timeMs` is the first on its day. The stream must be known around it. */
  #isNewOnDay(site: number, state: Site, { current, number }: Stream, timeMs: number): boolean {
    const day = dayOf(timeMs);
    if (current && isOf(current.session, timeMs)) {
      // A session has an event on each of its days.
      const { startMs, endMs } = current.session;
      if (dayOf(startMs) <= day && day <= dayOf(endMs)) return false;
    }
    return this.#days.isFirst(site, day, number, dayOf(state.endMs));
  }

  #addTo(state: Site, stream: Stream, event: LoggedEvent): Session {
    const { timeMs } = event;
    let { current } = stream;
    if (current && isOf(current.session, timeMs)) addToSession(current.session, event);
    else {
      if (current) leave(stream, current.session, timeMs);
      state.sessions += 1;
      const session = beginSession(state.sessions, stream.number, event);
      current = { session, firstDay: 0, lastDay: -1 };
      stream.current = current;
    }
    stream.endMs = Math.max(stream.endMs, timeMs);
    state.endMs = Math.max(state.endMs, timeMs);
    state.changed.add(current);
    stream.changedBefore = state.writes;
    return current.session;
  }

  /** Makes the stream known around `timeMs`. */
  #find(site: number, state: Site, stream: Stream, timeMs: number): void {
    const isKnown = timeMs - SESSION_GAP_MS >= stream.fromMs && timeMs + SESSION_GAP_MS <= stream.toMs;
    if (!isKnown) this.#look(site, state, stream, timeMs);
  }

  /** Finds out which sessions there are around `timeMs`. Two that an event then joins become one. */
  #look(site: number, state: Site, stream: Stream, timeMs: number): void {
    if (stream.changedBefore === state.writes) this.#write(site, state);
    const [firstDay, lastDay] = [dayOf(timeMs - SESSION_GAP_MS), dayOf(timeMs + SESSION_GAP_MS)];
    const sessions = new Map<number, Session>();
    for (let day = firstDay; day <= lastDay; day += 1) {
      for (const session of this.#rows.ofDay(site, day, stream.number)) sessions.set(session.number, session);
    }
    stream.fromMs = firstDay * MS_PER_DAY;
    const endMs = (lastDay + 1) * MS_PER_DAY - 1;
    stream.toMs = endMs < state.endMs ? endMs : Number.POSITIVE_INFINITY;
    stream.current = undefined;
    const joined: Session[] = [];
    for (const session of sessions.values()) {
      if (isOf(session, timeMs)) joined.push(session);
      else leave(stream, session, timeMs);
    }
    const [one, other] = joined;
    if (!one) return;
    stream.current = other ? this.#merge(site, state, one, other) : storedAs(one, one);
    // Sessions are apart, so what comes within this one needs no further look, however many days it has.
    const { startMs, endMs: lastMs } = stream.current.session;
    stream.fromMs = Math.min(stream.fromMs, startMs - SESSION_GAP_MS);
    stream.toMs = Math.max(stream.toMs, lastMs + SESSION_GAP_MS);
  }

  #merge(site: number, state: Site, one: Session, other: Session): StoredSession {
    const session = one.startMs < other.startMs ? mergeSessions(one, other) : mergeSessions(other, one);
    const [kept, gone] = one.number === session.number ? [one, other] : [other, one];
    this.#rows.replace(site, gone, kept.number);
    const merged = storedAs(session, kept);
    state.changed.add(merged);
    return merged;
  }

  #write(site: number, state: Site): void {
    if (state.changed.size === 0) return;
    state.writes += 1;
    this.#rows.write(site, state.changed);
    for (const { session } of state.changed) addToChunk(this.#chunks.builder(site), session);
    state.changed.clear();
  }
}

/** Of a session that an event at `timeMs` is not of: what is known of the stream ends before it. */
function leave(stream: Stream, session: Session, timeMs: number): void {
  if (session.endMs < timeMs) stream.fromMs = Math.max(stream.fromMs, session.endMs);
  else stream.toMs = Math.min(stream.toMs, session.startMs);
}

/** A session that is stored with the days of `written`, which it was. */
function storedAs(session: Session, written: Session): StoredSession {
  return { session, firstDay: dayOf(written.startMs), lastDay: dayOf(written.endMs) };
}

function addToChunk(builder: ChunkBuilder, session: Session): void {
  const row = builder.addRow();
  builder.setInteger("number", row, session.number);
  builder.setNumber("start", row, session.startMs);
  builder.setNumber("end", row, session.endMs);
  builder.setInteger("events", row, session.events);
  builder.setInteger("pageviews", row, session.pageviews);
  if (session.pageviews === 0) return;
  builder.setText("entry", row, session.entryPath);
  builder.setText("exit", row, session.exitPath);
}
