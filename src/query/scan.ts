// Goes through the events that a question is about, chunk by chunk, and tallies them.

import { VIEW } from "../projector/fold.ts";
import type { Buckets } from "./buckets.ts";
import type { Grouping, RowValues } from "./grouping.ts";
import type { Dimension, FilterNode, Period, Plan, TextDimension } from "./plan.ts";
import { type RowTest, rowTest } from "./row-test.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { EventChunk, SiteEvents } from "./site-events.ts";
import type { Counted, Tally } from "./tally.ts";
import { valuesOf } from "./texts.ts";

export interface Scan {
  readonly plan: Plan;
  readonly events: SiteEvents;
  readonly facts: SessionFacts;
  readonly grouping: Grouping;
  /** Throws when the question has taken too long. */
  readonly checkTime: () => void;
}

/** Tallies the events of `period`; `buckets` are those of a time dimension, when there is one. */
export function tally(scan: Scan, period: Period, buckets: Buckets | undefined, into: Tally): void {
  for (const chunk of scan.events.chunks) {
    if (chunk.lastMs < period.fromMs || chunk.firstMs >= period.toMs) continue;
    scan.checkTime();
    tallyChunk(scan, chunk, period, buckets, into);
  }
}

function tallyChunk(
  { plan, events, facts, grouping, checkTime }: Scan,
  chunk: EventChunk,
  period: Period,
  buckets: Buckets | undefined,
  into: Tally,
): void {
  const sessionOf = sessionsOf(chunk, events.aliases);
  const values = (dimension: TextDimension) => valuesOf(dimension, chunk, facts, sessionOf);
  const test = (filter: FilterNode | undefined) => filter && rowTest(filter, values, checkTime);
  const rows = new Uint32Array(chunk.rows);
  const count = select(chunk, period, plan.includeBots, test(plan.filter), rows);
  if (count === 0) return;
  const valuesOfRows = (dimension: Dimension): RowValues => {
    if (dimension.kind !== "time") return values(dimension);
    if (!buckets) throw new Error("a time dimension has no buckets");
    return { buckets, times: chunk.times() };
  };
  const groups = new Uint32Array(count);
  grouping.assign(rows, count, plan.dimensions.map(valuesOfRows), groups);
  const counted: Counted = {
    visitors: chunk.integers("visitor"),
    sessionOf,
    isView: testOfText(chunk, "event_type", VIEW),
    revenueMicros: revenueOf(chunk, plan.currency),
    isGoal: test(plan.goal) ?? (() => false),
  };
  into.add({ count, rows, groups }, counted);
}

/** Puts the rows that are looked at into `rows`; how many there are. */
function select(
  chunk: EventChunk,
  { fromMs, toMs }: Period,
  includeBots: boolean,
  passes: RowTest | undefined,
  rows: Uint32Array,
): number {
  const isWhole = fromMs <= chunk.firstMs && chunk.lastMs < toMs;
  const times = isWhole ? undefined : chunk.times();
  const bots = includeBots ? undefined : chunk.integers("bot");
  let count = 0;
  for (let row = 0; row < chunk.rows; row += 1) {
    if (times) {
      const time = times[row] ?? 0;
      if (time < fromMs || time >= toMs) continue;
    }
    if (bots && bots[row] !== 0) continue;
    if (passes && !passes(row)) continue;
    rows[count] = row;
    count += 1;
  }
  return count;
}

function sessionsOf(chunk: EventChunk, aliases: ReadonlyMap<number, number>): (row: number) => number {
  const sessions = chunk.integers("session");
  if (!sessions) return () => 0;
  if (aliases.size === 0) return (row) => sessions[row] ?? 0;
  return (row) => {
    const session = sessions[row] ?? 0;
    return aliases.get(session) ?? session;
  };
}

function testOfText(chunk: EventChunk, column: "event_type" | "currency", text: string): RowTest {
  const values = chunk.texts(column);
  const code = values?.dictionary.indexOf(text) ?? -1;
  if (!values || code < 0) return () => false;
  const { codes } = values;
  return (row) => codes[row] === code;
}

function revenueOf(chunk: EventChunk, currency: string | undefined): (row: number) => number {
  const micros = currency === undefined ? undefined : chunk.revenueMicros();
  if (!micros || currency === undefined) return () => 0;
  const isOfCurrency = testOfText(chunk, "currency", currency);
  return (row) => (isOfCurrency(row) ? (micros[row] ?? 0) : 0);
}
