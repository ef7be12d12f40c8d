// The minutes, hours, days, weeks or months of a period, as the clocks of a time zone show them: numbered from 0, in order.
//
// Where the zone's offset stays the same, a local unit is
//
//   floor((t + offset) / length of the unit)
//
// with weeks beginning on Mondays, and months being runs of days. The period is cut into spans where the offset changes:
//
//   days, weeks      the same in all spans: a day of 25 hours is one bucket. A day that the zone left out is none.
//   minutes, hours   those of each span: the hour that comes twice is two buckets, told apart by their offsets. Where the
//                    offset changes in the middle of an hour, that hour is two buckets as well; the label of each is where
//                    the hour would begin by the clocks of the bucket.
//
// So a bucket's number is the local unit, shifted by what is constant in a span.

import { MS_PER_DAY } from "../ingest/timestamp.ts";
import { TooMuch } from "./limits.ts";
import type { Period, TimeUnit } from "./plan.ts";
import { zoneOffsets } from "./time-zones.ts";

/** As many rows as an answer may have. */
const MAX_BUCKETS = 10_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Of the Gregorian calendar, in which 400 years are 146,097 days. */
const MEAN_MONTH_MS = (146_097 / 4800) * MS_PER_DAY;
const LENGTH_MS: Record<TimeUnit, number> = {
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: MS_PER_DAY,
  week: 7 * MS_PER_DAY,
  month: MEAN_MONTH_MS,
};
/** 1970-01-01 was a Thursday, three days after a Monday. */
const MONDAY_SHIFT_MS = 3 * MS_PER_DAY;

/** A time in which the zone has one offset. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
  /** What is added to a time before it is divided by the unit's length. */
  readonly shiftMs: number;
  /** The first local unit and the last one. */
  readonly firstUnit: number;
  readonly lastUnit: number;
}

/** A span with the number of its first unit. */
interface NumberedSpan extends Span {
  readonly firstIndex: number;
}

/** A question in many rows is refused for it: the reason, or undefined when a finite period is not too long for `unit`. */
export function tooManyBuckets(unit: TimeUnit, { fromMs, toMs }: Period): string | undefined {
  const count = Math.floor((toMs - fromMs) / LENGTH_MS[unit]);
  if (count <= MAX_BUCKETS) return undefined;
  return `time:${unit} would be ${count} rows; at most ${MAX_BUCKETS} are possible: ask for a shorter range or a longer unit`;
}

export class Buckets {
  /** How many there are, with those that no event is in. */
  readonly count: number;
  readonly #unit: TimeUnit;
  /** Of the unit; of months the length of their days. */
  readonly #lengthMs: number;
  readonly #spans: readonly NumberedSpan[];
  /** The span of the time that was asked for last: the next one is mostly in it, too. */
  #last: NumberedSpan;
  /** Of months: the first day of each, as its number; and by the number of a day, its month's number. */
  readonly #months: { readonly firstDays: readonly number[]; readonly ofDay: Uint16Array } | undefined;

  /** Those of a period that is finite and not empty. Throws TooMuch when there are far too many: see tooManyBuckets. */
  constructor(unit: TimeUnit, timeZone: string, period: Period) {
    const problem = tooManyBuckets(unit, period);
    if (problem !== undefined) throw new TooMuch(problem);
    this.#unit = unit;
    this.#lengthMs = unit === "month" ? MS_PER_DAY : LENGTH_MS[unit];
    const spans = spansOf(unit, this.#lengthMs, timeZone, period);
    const isClock = unit === "minute" || unit === "hour";
    const numbered = isClock ? numberedApart(spans) : numberedTogether(spans);
    this.#spans = numbered.spans;
    this.#last = firstOf(this.#spans);
    this.#months = unit === "month" ? monthsOf(this.#spans, numbered.count) : undefined;
    this.count = this.#months?.firstDays.length ?? numbered.count;
  }

  /** The number of the bucket that a time of the period is in, in ms since 1970-01-01T00:00:00Z. */
  indexOf(ms: number): number {
    let span = this.#last;
    if (ms < span.fromMs || ms >= span.toMs) {
      span = this.#spanAt(ms);
      this.#last = span;
    }
    const index = Math.floor((ms + span.shiftMs) / this.#lengthMs) - span.firstUnit + span.firstIndex;
    return this.#months ? (this.#months.ofDay[index] ?? 0) : index;
  }

  /** The bucket of all times from `firstMs` to `lastMs`; undefined when they are in several, or it is not seen at once. */
  ofAll(firstMs: number, lastMs: number): number | undefined {
    const index = this.indexOf(firstMs);
    // While the offset stays the same, local times do not go back.
    return lastMs < this.#last.toMs && this.indexOf(lastMs) === index ? index : undefined;
  }

  /** A time around `ms`, which is in the period, that is all in one bucket. */
  spanAround(ms: number): Period {
    const { fromMs, toMs, shiftMs } = this.#spanAt(ms);
    const startMs = Math.floor((ms + shiftMs) / this.#lengthMs) * this.#lengthMs - shiftMs;
    return { fromMs: Math.max(fromMs, startMs), toMs: Math.min(toMs, startMs + this.#lengthMs) };
  }

  /** What QueryRow.dimensions has of a bucket. */
  label(index: number): string {
    const unitIndex = this.#months ? (this.#months.firstDays[index] ?? 0) : index;
    const span = this.#spans.find(
      ({ firstIndex, firstUnit, lastUnit }) =>
        firstIndex <= unitIndex && unitIndex <= firstIndex + lastUnit - firstUnit,
    );
    if (!span) throw new RangeError(`there is no bucket ${index} among ${this.count}`);
    const localMs = localMsOf(span, unitIndex, this.#lengthMs);
    if (this.#unit === "month") return `${isoDate(localMs).slice(0, -2)}01`;
    if (this.#unit === "day" || this.#unit === "week") return isoDate(localMs);
    return `${new Date(localMs).toISOString().slice(0, -".000Z".length)}${offsetText(span.offsetMs)}`;
  }

  #spanAt(ms: number): NumberedSpan {
    let low = 0;
    let high = this.#spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (ms < (this.#spans[middle]?.fromMs ?? 0)) high = middle - 1;
      else low = middle;
    }
    const span = this.#spans[low];
    if (!span || ms < span.fromMs || ms >= span.toMs) throw new RangeError(`${ms} is not in the period`);
    return span;
  }
}

function spansOf(unit: TimeUnit, lengthMs: number, timeZone: string, { fromMs, toMs }: Period): Span[] {
  const offsets = zoneOffsets(timeZone, fromMs, toMs);
  return offsets.map((start, index) => {
    const end = offsets[index + 1]?.fromMs ?? toMs;
    const shiftMs = start.offsetMs + (unit === "week" ? MONDAY_SHIFT_MS : 0);
    return {
      ...{ fromMs: start.fromMs, toMs: end, offsetMs: start.offsetMs, shiftMs },
      firstUnit: Math.floor((start.fromMs + shiftMs) / lengthMs),
      lastUnit: Math.floor((end - 1 + shiftMs) / lengthMs),
    };
  });
}

interface Numbered {
  readonly spans: readonly NumberedSpan[];
  /** How many units there are in all. */
  readonly count: number;
}

/** Each span has units of its own. */
function numberedApart(spans: readonly Span[]): Numbered {
  let count = 0;
  const numbered = spans.map((span) => {
    const firstIndex = count;
    count += span.lastUnit - span.firstUnit + 1;
    return { ...span, firstIndex };
  });
  return { spans: numbered, count };
}

/** Spans can share units: mostly, the last one of a span is the first one of the next. Others may be in no span. */
function numberedTogether(spans: readonly Span[]): Numbered {
  // A clock that is set back over midnight, as in St. John's until 2011, shows the day before once more. So spans are taken
  // by their first units; of the units below `end`, all from any later span's first one on are counted.
  const ascending = spans.toSorted((a, b) => a.firstUnit - b.firstUnit);
  let count = 0;
  let end = Number.NEGATIVE_INFINITY;
  const numbered = ascending.map((span) => {
    const firstIndex = count - Math.max(0, end - span.firstUnit);
    count += Math.max(0, span.lastUnit + 1 - Math.max(span.firstUnit, end));
    end = Math.max(end, span.lastUnit + 1);
    return { ...span, firstIndex };
  });
  return { spans: numbered.toSorted((a, b) => a.fromMs - b.fromMs), count };
}

/** Puts the `days` days of the spans into months. */
function monthsOf(
  spans: readonly NumberedSpan[],
  days: number,
): { firstDays: readonly number[]; ofDay: Uint16Array } {
  const names: string[] = new Array(days);
  for (const span of spans) {
    const end = span.firstIndex + span.lastUnit - span.firstUnit;
    for (let day = span.firstIndex; day <= end; day += 1) {
      names[day] = isoDate(localMsOf(span, day, MS_PER_DAY)).slice(0, -"-01".length);
    }
  }
  const firstDays: number[] = [];
  const ofDay = new Uint16Array(days);
  for (let day = 0; day < days; day += 1) {
    if (day === 0 || names[day] !== names[day - 1]) firstDays.push(day);
    ofDay[day] = firstDays.length - 1;
  }
  return { firstDays, ofDay };
}

/** When the unit with the number `index` of a span begins, as if the zone's clocks showed UTC. */
function localMsOf(
  { firstUnit, firstIndex, offsetMs, shiftMs }: NumberedSpan,
  index: number,
  lengthMs: number,
) {
  return (firstUnit + index - firstIndex) * lengthMs - (shiftMs - offsetMs);
}

function firstOf(spans: readonly NumberedSpan[]): NumberedSpan {
  const [first] = spans;
  if (!first) throw new RangeError("the period is empty");
  return first;
}

function isoDate(localMs: number): string {
  return new Date(localMs).toISOString().slice(0, -"T00:00:00.000Z".length);
}

/** Such as "+02:00". RFC 3339 has whole minutes; the offsets of the 19th century are rounded to them. */
function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / MINUTE_MS);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
