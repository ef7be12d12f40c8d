// What is in memory of a site while its events are folded.

import { dayOf } from "../ingest/timestamp.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { DayUsers, JoinedSession, NewChunk, SiteChange, VisitorChanges } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { EventChunks } from "./event-chunks.ts";
import { NewUsers } from "./new-users.ts";
import type { SessionRows } from "./session-rows.ts";
import { Sessions } from "./sessions.ts";
import type { StoredSite, Tables } from "./tables.ts";
import { type Visitor, Visitors } from "./visitors.ts";

/** What the events of a site change. */
interface SiteChanges {
  readonly site: SiteChange;
  readonly visitors: VisitorChanges | undefined;
  readonly joined: readonly JoinedSession[];
  readonly chunks: readonly NewChunk[];
  readonly users: readonly DayUsers[];
}

export class SiteFolder {
  readonly number: number;
  readonly siteId: string;
  readonly visitors: Visitors;
  readonly sessions: Sessions;
  /** The batch that had a record of it last. */
  touchedIn = 0;
  readonly #events: EventChunks;
  readonly #users: NewUsers;

  constructor(siteId: string, stored: StoredSite, tables: Tables, sizes: ChunkSizes) {
    this.siteId = siteId;
    this.number = stored.number;
    this.visitors = new Visitors(stored.number, tables.visitors, stored.visitors);
    this.sessions = new Sessions(stored.number, this.visitors, tables.sessions, stored);
    this.#events = new EventChunks(stored.number, sizes);
    this.#users = new NewUsers(stored.number);
  }

  /** Takes events that count, in log order. Goes through them twice, so that the visitors that are not in memory are read for all of
   *  them at once. Throws when one cannot be folded. */
  add(events: readonly LoggedEvent[], batch: number): void {
    const visitors = events.map((event) => this.visitors.of(event));
    this.visitors.load();
    for (const [index, event] of events.entries()) this.#add(event, visitors[index], batch);
  }

  #add(event: LoggedEvent, visitor: Visitor | undefined, batch: number): void {
    if (Number.isNaN(event.timeMs)) throw new Error("its timestamp cannot be read");
    const belonging = this.sessions.add(event, visitor, batch);
    this.#events.add(event, belonging);
    this.#users.add(dayOf(event.timeMs), belonging);
  }

  /** What was changed by the batch that ends, to be written; the rows of its sessions are added to `rows`. */
  takeChanges(rows: SessionRows): SiteChanges {
    const { sessions, joined } = this.sessions.takeChanges();
    rows.add(this.number, sessions);
    return {
      site: {
        ...{ number: this.number, siteId: this.siteId, visitors: this.visitors.count },
        ...this.sessions.counts,
      },
      visitors: this.visitors.takeChanges(),
      joined,
      chunks: this.#events.take(),
      users: this.#users.take(),
    };
  }

  /** Forgets what is of use only until the batch before this one is written. */
  forgetWritten(): void {
    this.sessions.forgetWritten();
  }

  /** Forgets the visitors that had no event since the last time, of whom all must be written. */
  rotate(): void {
    this.visitors.rotate();
    this.sessions.rotate();
  }
}
