// What a batch of the log changes in the read model: data alone, so that it can be written by another thread than the one that
// folds. Rows are given as columns, which are quick to hand over; those of events part by part while the batch is folded, so
// that neither thread has all of them in memory.

import type { ChunkKind } from "./chunks.ts";

/** What a batch changes beside the rows of events. */
export interface Changes {
  /** The sites that had a record in the batch. */
  readonly sites: readonly SiteChange[];
  readonly visitors: readonly VisitorChanges[];
  readonly sessions: SessionColumns;
  readonly joined: readonly JoinedSession[];
  /** Those of events, in their order in a site. */
  readonly chunks: readonly NewChunk[];
  readonly users: readonly DayUsers[];
  /** When event ids were received that counted: entries (id-entries.ts). */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** Event ids that were received until then are forgotten, in ms since 1970. */
  readonly forgottenUpToMs: number;
  readonly settings: readonly SettingChange[];
}

export interface SiteChange {
  readonly number: number;
  readonly siteId: string;
  /** How many numbers its visitors and its sessions have, and when the session that ends last ends; with those before. */
  readonly visitors: number;
  readonly sessions: number;
  readonly endMs: number;
}

/** Visitors of a site that are new, or became users. */
export interface VisitorChanges {
  readonly site: number;
  /** JSON of an object: for each user id twice its number, and one more when it is a user's. Empty for none. */
  readonly users: string;
  /** The same of hashes, in hexadecimal. */
  readonly hashes: string;
}

/** Rows of the table `sessions`, site by site. NaN stands for NULL, as SQLite has it. */
export interface SessionColumns {
  /** Those that leave out what the rows of sessions of one page view do. */
  readonly ofOneView: {
    /** site, period, stream, number, start_ms */
    readonly numbers: readonly Float64Array<ArrayBuffer>[];
    readonly paths: readonly (string | null)[];
  };
  readonly others: {
    /** site, period, stream, number, start_ms, end_ms, events, pageviews, entry_ms, exit_ms */
    readonly numbers: readonly Float64Array<ArrayBuffer>[];
    readonly entryPaths: readonly (string | null)[];
    readonly exitPaths: readonly (string | null)[];
  };
}

/** A session of which the events are another one's from now on; its rows are of the periods from `firstPeriod` to `lastPeriod`. */
export interface JoinedSession {
  readonly site: number;
  readonly stream: number;
  readonly gone: number;
  readonly session: number;
  readonly firstPeriod: number;
  readonly lastPeriod: number;
}

export interface NewChunk {
  readonly kind: ChunkKind;
  readonly site: number;
  readonly rows: number;
  /** How long its distinct texts are, together, in UTF-16 units. */
  readonly characters: number;
  readonly packed: Uint8Array<ArrayBuffer>;
}

/** Users that are added to a day of a site, or to all time. */
export interface DayUsers {
  readonly site: number;
  readonly day: number;
  readonly users: number;
}

/** What was said about a site, or a goal of it: its filter as JSON, or null when it is removed. */
export type SettingChange =
  | { readonly site: number; readonly name: string; readonly timeZone: string }
  | { readonly site: number; readonly goal: string; readonly filter: string | null };
