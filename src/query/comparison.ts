// What a period is compared with.
//
// Days are compared with days: a period that begins and ends where days do is moved by dates, so that a day of 23 hours has
// whole days before it.

import type { Period } from "./plan.ts";
import { startOfDay } from "./ranges.ts";
import { zonedTime } from "./time-zones.ts";

/** The period just before: as many days, when it is of whole days, or else as many ms. `period` is finite. */
export function previousPeriod({ fromMs, toMs }: Period, timeZone: string): Period {
  const first = dayAt(fromMs, timeZone);
  const end = dayAt(toMs, timeZone);
  if (!first || !end) return { fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
  return { fromMs: startOfDay(first.subtract(first.until(end)), timeZone), toMs: fromMs };
}

/** The same dates and times of day a year before; 28 February for the 29th. `period` is finite. */
export function previousYear({ fromMs, toMs }: Period, timeZone: string): Period {
  const first = dayAt(fromMs, timeZone);
  const end = dayAt(toMs, timeZone);
  const from = first ? startOfDay(first.subtract({ years: 1 }), timeZone) : yearBefore(fromMs, timeZone);
  // The last day is a date of the period, and not the one after it.
  const to = end
    ? startOfDay(end.subtract({ days: 1 }).subtract({ years: 1 }).add({ days: 1 }), timeZone)
    : yearBefore(toMs, timeZone);
  // A part of the 28th and of the 29th can end before it begins.
  return { fromMs: from, toMs: Math.max(from, to) };
}

/** The day that begins at a time; undefined when none does. */
function dayAt(ms: number, timeZone: string) {
  const date = zonedTime(ms, timeZone).toPlainDate();
  return startOfDay(date, timeZone) === ms ? date : undefined;
}

function yearBefore(ms: number, timeZone: string): number {
  return zonedTime(ms, timeZone).subtract({ years: 1 }).epochMilliseconds;
}
