// Which time a question is about: from its words, such as "7d", to milliseconds. Days begin by the zone's clocks, which may
// be at 01:00 when these are set forward at midnight, and are as long as they are there.

import { Temporal } from "temporal-polyfill";
import { isDate, MS_PER_DAY, parseTimestamp } from "../ingest/timestamp.ts";
import { type Checked, checked, quoted, refused } from "./checked.ts";
import type { Period } from "./plan.ts";
import { zonedTime } from "./time-zones.ts";

/** How a question says it; what is not said is empty. */
interface RangeInput {
  readonly range: string;
  readonly from: string;
  readonly to: string;
}

/** 100 years. */
const MAX_DAYS = 36_525;
const MAX_MONTHS = 1200;
const NAMES = "today, yesterday, Nd such as 7d, Nmo such as 12mo, month, year, all";
const LAST_N = /^([1-9]\d*)(d|mo)$/;

const ALWAYS: Period = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

/** The period that a question asked at `nowMs` is about. It is never empty. */
export function periodOf({ range, from, to }: RangeInput, nowMs: number, timeZone: string): Checked<Period> {
  if (range === "") return from === "" && to === "" ? checked(ALWAYS) : between(from, to, nowMs, timeZone);
  if (from === "" && to === "") return named(range, nowMs, timeZone);
  return refused("range cannot be given together with from or to: leave out one of them");
}

/** When a day begins, in ms since 1970-01-01T00:00:00Z. */
export function startOfDay(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

function named(range: string, nowMs: number, timeZone: string): Checked<Period> {
  if (range === "all") return checked(ALWAYS);
  const today = zonedTime(nowMs, timeZone).toPlainDate();
  const days = (first: Temporal.PlainDate, end: Temporal.PlainDate): Checked<Period> =>
    checked({ fromMs: startOfDay(first, timeZone), toMs: startOfDay(end, timeZone) });
  const tomorrow = today.add({ days: 1 });
  switch (range) {
    case "today":
      return days(today, tomorrow);
    case "yesterday":
      return days(today.subtract({ days: 1 }), today);
    case "month":
      return days(today.with({ day: 1 }), tomorrow);
    case "year":
      return days(today.with({ month: 1, day: 1 }), tomorrow);
  }
  const [, digits, unit] = LAST_N.exec(range) ?? [];
  if (unit === undefined) return refused(`range is ${quoted(range)}; it must be one of ${NAMES}`);
  const others = Number(digits) - 1;
  if (others >= (unit === "d" ? MAX_DAYS : MAX_MONTHS)) {
    return refused(`range is longer than 100 years, which is ${MAX_DAYS}d or ${MAX_MONTHS}mo`);
  }
  const first =
    unit === "d" ? today.subtract({ days: others }) : today.with({ day: 1 }).subtract({ months: others });
  return days(first, tomorrow);
}

function between(from: string, to: string, nowMs: number, timeZone: string): Checked<Period> {
  const fromMs = from === "" ? ALWAYS.fromMs : timeOf(from, 0, timeZone);
  if (fromMs === undefined) return noTime("from", from);
  const toMs = to === "" ? nowMs : timeOf(to, 1, timeZone);
  if (toMs === undefined) return noTime("to", to);
  if (fromMs >= toMs) {
    const end = to === "" ? "now, which is where it ends without to" : `to, ${quoted(to)}`;
    return refused(`from, ${quoted(from)}, must be before ${end}`);
  }
  const days = Math.floor((toMs - fromMs) / MS_PER_DAY);
  if (from !== "" && days > MAX_DAYS) {
    return refused(`from and to are ${days} days apart; at most ${MAX_DAYS} (100 years) are possible`);
  }
  return checked({ fromMs, toMs });
}

/** A time, or the beginning of the day that is `days` after a date; undefined when the text is neither. */
function timeOf(text: string, days: number, timeZone: string): number | undefined {
  if (!isDate(text)) return parseTimestamp(text)?.epochMs;
  return startOfDay(Temporal.PlainDate.from(text).add({ days }), timeZone);
}

function noTime(field: string, text: string) {
  return refused(
    `${field} is ${quoted(text)}; it must be a date, such as 2025-11-12, or a time of RFC 3339, such as 2025-11-12T19:30:01Z`,
  );
}
