// The periods by which sessions are stored. The events of a batch are about from one time, so that it changes the rows of few periods,
// and these are together; with days, it changes most pages of its day.

import { MS_PER_DAY } from "../ingest/timestamp.ts";

/** Longer than the gap that ends a session, so that it has an event in each of its periods; a part of a day. */
export const PERIOD_MS = 4 * 60 * 60 * 1000;

const PERIODS_OF_DAY = MS_PER_DAY / PERIOD_MS;

/** The period of a time in ms since 1970, as their number since then. */
export function periodOf(timeMs: number): number {
  return Math.floor(timeMs / PERIOD_MS);
}

/** Those of a day, in days since 1970-01-01. */
export function periodsOf(day: number): number[] {
  return Array.from({ length: PERIODS_OF_DAY }, (_, index) => day * PERIODS_OF_DAY + index);
}
