// The events of one site, as questions look at them.

import type { IntegerColumn, TextColumnName } from "../columns/chunk.ts";
import type { TextColumn } from "../columns/column.ts";

/** Some events; a column is undefined when all its rows are 0 or empty. */
export interface EventChunk {
  readonly rows: number;
  /** The time of the earliest event, and of the latest, in ms since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  times(): Float64Array;
  revenueMicros(): Float64Array | undefined;
  integers(column: IntegerColumn): Uint32Array | undefined;
  texts(column: TextColumnName): TextColumn | undefined;
  /** What it comes to without bots; undefined of small chunks. */
  readonly summary: ChunkSummary | undefined;
}

export interface ChunkSummary {
  readonly events: number;
  readonly pageviews: number;
  /** The distinct ones, without 0. */
  visitors(): Uint32Array;
  sessions(): Uint32Array;
}

/** Some sessions; of several rows with the same number, the last one counts, by chunk and by row. */
export interface SessionChunk {
  readonly rows: number;
  /** The lowest number and the highest. */
  readonly first: number;
  readonly last: number;
  numbers(): Uint32Array;
  /** In ms since 1970. */
  starts(): Float64Array;
  ends(): Float64Array;
  events(): Uint32Array;
  pageviews(): Uint32Array;
  /** The path of the first page view. */
  entries(): TextColumn | undefined;
  /** 1 for each session of which the last page view has another path; undefined when there is none. */
  moved(): Uint32Array | undefined;
  /** That other path. */
  exits(): TextColumn | undefined;
}

export interface SiteEvents {
  /** How many numbers were given to visitors, and to sessions. */
  readonly visitors: number;
  readonly sessionCount: number;
  readonly chunks: readonly EventChunk[];
  sessionChunks(): readonly SessionChunk[];
  /** Sessions that became part of another one: which. There may be very many, so they are read when they are asked for. `checkTime` is
   *  called every few milliseconds, and may throw. */
  aliases(checkTime: () => void): ReadonlyMap<number, number>;
}

/** Of a site that was never seen. */
export const NO_EVENTS: SiteEvents = {
  ...{ visitors: 0, sessionCount: 0, chunks: [] },
  sessionChunks: () => [],
  aliases: () => new Map(),
};
