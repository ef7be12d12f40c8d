// What is in memory of a site while its events are folded.

import type { LoggedEvent } from "../projector/event-decoder.ts";
import { Fold } from "../projector/fold.ts";
import type { DayChange, IdChanges, JoinedSession, NewChunk, SiteChange, VisitorChanges } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { dayChanges } from "./day-changes.ts";
import { addEvent } from "./event-columns.ts";
import { EventIds } from "./event-ids.ts";
import { NewChunks } from "./new-chunks.ts";
import type { SessionRows } from "./session-rows.ts";
import { Sessions } from "./sessions.ts";
import type { StoredSite, Tables } from "./tables.ts";
import { type Visitor, Visitors } from "./visitors.ts";

/** What the events of a site change. */
interface SiteChanges {
  readonly site: SiteChange;
  readonly ids: IdChanges | undefined;
  readonly visitors: VisitorChanges | undefined;
  readonly joined: readonly JoinedSession[];
  readonly chunks: readonly NewChunk[];
  readonly days: readonly DayChange[];
}

export class SiteFolder {
  readonly number: number;
  readonly siteId: string;
  readonly ids: EventIds;
  readonly visitors: Visitors;
  readonly sessions: Sessions;
  /** The batch that had a record of it last. */
  touchedIn = 0;
  readonly #events: NewChunks;
  #fold = new Fold();

  constructor(siteId: string, stored: StoredSite, tables: Tables, sizes: ChunkSizes, windowMs: number) {
    this.siteId = siteId;
    this.number = stored.number;
    this.ids = new EventIds(stored.number, tables.ids, windowMs);
    this.visitors = new Visitors(stored.number, tables.visitors, stored.visitors);
    this.sessions = new Sessions(stored.number, this.visitors, tables.sessions, stored);
    this.#events = new NewChunks("event", stored.number, sizes);
  }

  /** Takes an event that counts; they come in log order. */
  add(event: LoggedEvent, visitor: Visitor | undefined, batch: number): void {
    const belonging = this.sessions.add(event, visitor, batch);
    addEvent(this.#events.builder(), event, belonging);
    this.#fold.add(event, belonging);
  }

  /** What was changed by the batch that ends, to be written; the rows of its sessions are added to `rows`. */
  takeChanges(rows: SessionRows): SiteChanges {
    const { sessions, joined } = this.sessions.takeChanges();
    rows.add(this.number, sessions);
    const fold = this.#fold;
    this.#fold = new Fold();
    return {
      site: {
        ...{ number: this.number, siteId: this.siteId, visitors: this.visitors.count },
        ...this.sessions.counts,
      },
      ids: this.ids.takeChanges(),
      visitors: this.visitors.takeChanges(),
      joined,
      chunks: this.#events.take(),
      days: dayChanges(this.number, fold),
    };
  }

  /** Forgets what is of use only until the batch before this one is written. */
  forgetWritten(): void {
    this.ids.forget();
    this.sessions.forgetWritten();
  }

  /** Forgets the visitors that had no event since the last time, of whom all must be written. */
  rotate(): void {
    this.sessions.forget(this.visitors.rotate());
  }
}
