// Gives events their visitor and their session. It keeps those of a moment ago in memory, and writes what changed at the
// end of a batch, so that an event of a known visitor costs no look-up.
//
// Invariant: between batches, what is in memory is what the tables have.

import type { Database, Statement } from "better-sqlite3";
import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import { dayOf, MS_PER_DAY } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import {
  addToSession,
  beginSession,
  isOf,
  mergeSessions,
  SESSION_GAP_MS,
  type Session,
} from "../projector/session.ts";
import { type ChunkSizes, Chunks } from "./chunks.ts";
import { SessionRows, type StoredSession } from "./session-rows.ts";
import { VisitorRows } from "./visitor-rows.ts";

/** How many visitors and sites are kept in memory from one batch to the next; some 1,000 bytes each. */
const MAX_KNOWN = 10_000;

/** What an event is of, by their numbers in the site; 0 where it is of none. */
export interface Belonging {
  readonly visitor: number;
  readonly session: number;
}

const OF_NOBODY: Belonging = { visitor: 0, session: 0 };

/** A stream around the event that came last: between the times `fromMs` and `toMs`, both included, no session of it but
 *  `current` has an event. */
interface Stream {
  readonly number: number;
  current: StoredSession | undefined;
  fromMs: number;
  toMs: number;
  /** The write (Site.writes) before which a session of it changed last. */
  changedBefore: number;
}

interface Visitor {
  readonly number: number;
  /** Its streams, once an event of them came: its own, and the one of what a bot did in its name. */
  person?: Stream;
  bot?: Stream;
  /** It had no row when it was remembered, so its sessions are all known. */
  readonly isNew: boolean;
}

interface Site {
  readonly users: Map<string, Visitor>;
  readonly hashes: Map<string, Visitor>;
  readonly newUsers: Map<string, number>;
  readonly newHashes: Map<string, number>;
  /** What is not written yet. */
  readonly changed: Set<StoredSession>;
  /** Which write is the next one. */
  writes: number;
  visitors: number;
  sessions: number;
}

export class Sessions {
  readonly #visitorRows: VisitorRows;
  readonly #rows: SessionRows;
  readonly #chunks: Chunks;
  readonly #counts: Statement<[number], { visitors: number; sessions: number }>;
  readonly #setCounts: Statement<[number, number, number]>;
  readonly #sites = new Map<number, Site>();
  /** The sites that had an event in this batch. */
  readonly #touched = new Set<number>();
  /** How many sites and visitors are in memory. */
  #known = 0;

  constructor(database: Database, sizes: ChunkSizes) {
    this.#visitorRows = new VisitorRows(database);
    this.#rows = new SessionRows(database);
    this.#chunks = new Chunks(database, "session", sizes);
    this.#counts = database.prepare("SELECT visitors, sessions FROM sites WHERE id = ?");
    this.#setCounts = database.prepare("UPDATE sites SET visitors = ?, sessions = ? WHERE id = ?");
  }

  /** Takes an event of the site with the number `site`; they come in log order. */
  add(site: number, event: LoggedEvent): Belonging {
    const state = this.#siteOf(site);
    const visitor = this.#visitorOf(site, state, event);
    if (!visitor) return OF_NOBODY;
    this.#touched.add(site);
    const stream = this.#streamOf(visitor, event.more?.isBot ?? false);
    const session = this.#sessionOf(site, state, stream, event);
    return { visitor: visitor.number, session: session.number };
  }

  /** Writes what changed. */
  flush(): void {
    for (const site of this.#touched) {
      const state = this.#siteOf(site);
      this.#visitorRows.add(site, state.newUsers, state.newHashes);
      state.newUsers.clear();
      state.newHashes.clear();
      if (state.changed.size === 0) continue;
      this.#write(site, state);
      this.#setCounts.run(state.visitors, state.sessions, site);
    }
    this.#touched.clear();
    this.#chunks.flush();
    if (this.#known > MAX_KNOWN) this.#forget();
  }

  /** Forgets all, as when the transaction is rolled back. */
  clear(): void {
    this.#rows.clear();
    this.#chunks.clear();
    this.#touched.clear();
    this.#forget();
  }

  #forget(): void {
    this.#sites.clear();
    this.#known = 0;
  }

  #siteOf(site: number): Site {
    let state = this.#sites.get(site);
    if (!state) {
      state = {
        ...{ users: new Map(), hashes: new Map(), newUsers: new Map(), newHashes: new Map() },
        ...{ changed: new Set(), writes: 0, visitors: 0, sessions: 0, ...this.#counts.get(site) },
      };
      this.#sites.set(site, state);
      this.#known += 1;
    }
    return state;
  }

  #visitorOf(site: number, state: Site, { userId, more }: LoggedEvent): Visitor | undefined {
    if (userId !== "") {
      const known = state.users.get(userId);
      if (known) return known;
      const number = this.#visitorRows.ofUser(site, userId);
      return this.#remember(state, state.users, state.newUsers, userId, number);
    }
    const hash = more?.visitor ?? "";
    if (hash === "") return undefined;
    const known = state.hashes.get(hash);
    if (known) return known;
    const number = this.#visitorRows.ofHash(site, hash);
    return this.#remember(state, state.hashes, state.newHashes, hash, number);
  }

  #remember(
    state: Site,
    visitors: Map<string, Visitor>,
    newVisitors: Map<string, number>,
    key: string,
    number: number | undefined,
  ): Visitor {
    if (number === undefined) state.visitors += 1;
    const visitor: Visitor = { number: number ?? state.visitors, isNew: number === undefined };
    if (visitor.isNew) newVisitors.set(key, visitor.number);
    visitors.set(key, visitor);
    this.#known += 1;
    return visitor;
  }

  #streamOf(visitor: Visitor, isBot: boolean): Stream {
    const known = isBot ? visitor.bot : visitor.person;
    if (known) return known;
    const stream: Stream = {
      number: visitor.number * 2 + (isBot ? 1 : 0),
      current: undefined,
      // Of a new visitor it is known that there are no sessions, at whatever time.
      fromMs: visitor.isNew ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
      toMs: visitor.isNew ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY,
      changedBefore: -1,
    };
    if (isBot) visitor.bot = stream;
    else visitor.person = stream;
    return stream;
  }

  #sessionOf(site: number, state: Site, stream: Stream, event: LoggedEvent): Session {
    const { timeMs } = event;
    const isKnown = timeMs - SESSION_GAP_MS >= stream.fromMs && timeMs + SESSION_GAP_MS <= stream.toMs;
    if (!isKnown) this.#look(site, state, stream, timeMs);
    let { current } = stream;
    if (current && isOf(current.session, timeMs)) addToSession(current.session, event);
    else {
      if (current) leave(stream, current.session, timeMs);
      state.sessions += 1;
      const session = beginSession(state.sessions, stream.number, event);
      current = { session, firstDay: 0, lastDay: -1 };
      stream.current = current;
    }
    state.changed.add(current);
    stream.changedBefore = state.writes;
    return current.session;
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
    stream.toMs = (lastDay + 1) * MS_PER_DAY - 1;
    stream.current = undefined;
    const joined: Session[] = [];
    for (const session of sessions.values()) {
      if (isOf(session, timeMs)) joined.push(session);
      else leave(stream, session, timeMs);
    }
    const [one, other] = joined;
    if (!one) return;
    stream.current = other ? this.#merge(site, state, one, other) : storedAs(one, one);
  }

  #merge(site: number, state: Site, one: Session, other: Session): StoredSession {
    const session = one.startMs < other.startMs ? mergeSessions(one, other) : mergeSessions(other, one);
    const [kept, gone] = one.number === session.number ? [one, other] : [other, one];
    this.#rows.replace(site, gone.number, kept.number);
    const merged = storedAs(session, kept);
    state.changed.add(merged);
    return merged;
  }

  #write(site: number, state: Site): void {
    if (state.changed.size === 0) return;
    state.writes += 1;
    this.#rows.write(site, [...state.changed]);
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
