// Goes through the events that a question is about, chunk by chunk, and tallies them.

import { once } from "../once.ts";
import type { Buckets } from "./buckets.ts";
import type { Grouping, RowValues } from "./grouping.ts";
import type { Dimension, FilterNode, Period, Plan, TextDimension } from "./plan.ts";
import { type RowTest, rowTest } from "./row-test.ts";
import { scratch } from "./scratch.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { EventChunk, SiteEvents } from "./site-events.ts";
import { addsUp, type Counted, type Tally } from "./tally.ts";
import { valuesOf } from "./texts.ts";

export interface Scan {
  readonly plan: Plan;
  readonly events: SiteEvents;
  readonly facts: SessionFacts;
  readonly grouping: Grouping;
  readonly arrays: ScanArrays;
  /** Sessions that became part of another one: which. */
  readonly aliases: () => ReadonlyMap<number, number>;
  /** Throws when the question has taken too long. */
  readonly checkTime: () => void;
}

/** The arrays of the chunk that is gone through. */
export class ScanArrays {
  #rows = new Uint32Array(0);
  #groups = new Uint32Array(0);

  rows(count: number): Uint32Array {
    this.#rows = scratch(this.#rows, count);
    return this.#rows;
  }

  groups(count: number): Uint32Array {
    this.#groups = scratch(this.#groups, count);
    return this.#groups;
  }
}

/** Tallies the events of `period`; `buckets` are those of a time dimension, when there is one. */
export function tally(scan: Scan, period: Period, buckets: Buckets | undefined, into: Tally): void {
  const isWhole = takesAll(scan.plan);
  for (const chunk of scan.events.chunks) {
    if (chunk.lastMs < period.fromMs || chunk.firstMs >= period.toMs) continue;
    scan.checkTime();
    const group = isWhole ? groupOfAll(scan.plan, chunk, period, buckets) : undefined;
    if (chunk.summary && group !== undefined) {
      const sessions = () => resolved(chunk.summary?.sessions(), scan) ?? NO_NUMBERS;
      into.addSummary(chunk.summary, sessions, group);
    } else tallyChunk(scan, chunk, period, buckets, into);
  }
}

const NO_NUMBERS = new Uint32Array(0);

/** Whether the question takes all events of people, by whatever dimension of time. */
function takesAll({ filter, includeBots, dimensions, metrics }: Plan): boolean {
  return !filter && !includeBots && addsUp(metrics) && dimensions.every(({ kind }) => kind === "time");
}

/** The group of all events of a chunk, when it is all in the period and they are in the same one. */
function groupOfAll(
  { dimensions }: Plan,
  { firstMs, lastMs }: EventChunk,
  { fromMs, toMs }: Period,
  buckets: Buckets | undefined,
): number | undefined {
  if (firstMs < fromMs || lastMs >= toMs) return undefined;
  if (dimensions.length === 0) return 0;
  return buckets?.ofAll(firstMs, lastMs);
}

function tallyChunk(
  scan: Scan,
  chunk: EventChunk,
  period: Period,
  buckets: Buckets | undefined,
  into: Tally,
): void {
  const { plan, facts, grouping, arrays, checkTime } = scan;
  const sessions = once(() => resolved(chunk.integers("session"), scan));
  const values = (dimension: TextDimension) => valuesOf(dimension, chunk, facts, sessions);
  const test = (filter: FilterNode | undefined) => filter && rowTest(filter, values, checkTime);
  const rows = arrays.rows(chunk.rows);
  const count = select(chunk, period, plan.includeBots, test(plan.filter), rows);
  if (count === 0) return;
  const valuesOfRows = (dimension: Dimension): RowValues => {
    if (dimension.kind !== "time") return values(dimension);
    if (!buckets) throw new Error("a time dimension has no buckets");
    return { buckets, chunk };
  };
  const groups = arrays.groups(count);
  grouping.assign(rows, count, plan.dimensions.map(valuesOfRows), groups);
  const counted: Counted = {
    visitors: chunk.integers("visitor"),
    sessions,
    types: chunk.texts("event_type"),
    revenueMicros: revenueOf(chunk, plan.currency),
    isGoal: test(plan.goal) ?? (() => false),
  };
  into.add({ count, rows, groups }, counted);
}

/** Puts the rows that are looked at into `rows`; how many there are. */
function select(
  chunk: EventChunk,
  period: Period,
  includeBots: boolean,
  passes: RowTest | undefined,
  rows: Uint32Array,
): number {
  let count = rowsWithin(chunk, period, rows);
  const bots = includeBots ? undefined : chunk.integers("bot");
  if (bots) count = withoutBots(rows, count, bots);
  return passes ? keep(rows, count, passes) : count;
}

function rowsWithin(chunk: EventChunk, { fromMs, toMs }: Period, rows: Uint32Array): number {
  let count = 0;
  if (fromMs <= chunk.firstMs && chunk.lastMs < toMs) {
    for (; count < chunk.rows; count += 1) rows[count] = count;
    return count;
  }
  const times = chunk.times();
  for (let row = 0; row < chunk.rows; row += 1) {
    const time = times[row] ?? 0;
    if (time < fromMs || time >= toMs) continue;
    rows[count] = row;
    count += 1;
  }
  return count;
}

function withoutBots(rows: Uint32Array, count: number, bots: Uint32Array): number {
  let kept = 0;
  for (let at = 0; at < count; at += 1) {
    const row = rows[at] ?? 0;
    if (bots[row] !== 0) continue;
    rows[kept] = row;
    kept += 1;
  }
  return kept;
}

/** Keeps those of the `count` first rows that pass `test`; how many these are. */
function keep(rows: Uint32Array, count: number, test: RowTest): number {
  let kept = 0;
  for (let at = 0; at < count; at += 1) {
    const row = rows[at] ?? 0;
    if (!test(row)) continue;
    rows[kept] = row;
    kept += 1;
  }
  return kept;
}

/** Sessions that became part of another one, replaced by it. */
function resolved(sessions: Uint32Array | undefined, scan: Scan): Uint32Array | undefined {
  if (!sessions) return sessions;
  const aliases = scan.aliases();
  if (aliases.size === 0) return sessions;
  return sessions.map((session) => aliases.get(session) ?? session);
}

function revenueOf(chunk: EventChunk, currency: string | undefined): (row: number) => number {
  const micros = currency === undefined ? undefined : chunk.revenueMicros();
  const currencies = chunk.texts("currency");
  if (!micros || !currencies || currency === undefined) return () => 0;
  const code = currencies.dictionary.indexOf(currency);
  return (row) => (currencies.codes[row] === code ? (micros[row] ?? 0) : 0);
}
