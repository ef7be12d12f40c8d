// Timestamps: RFC 3339 in, one canonical form out. A time without a zone is UTC.
//
// Canonical: UTC with "Z" and 0, 3, 6 or 9 digits of fraction, the fewest that hold the value. Its first ten
// characters are the UTC day, and texts with as many digits sort as times do.

export interface Timestamp {
  /** The canonical form. */
  readonly utc: string;
  /** Milliseconds since 1970-01-01T00:00:00Z, rounded down. */
  readonly epochMs: number;
}

export const MS_PER_DAY = 86_400_000;
/** The syntax only; which numbers are allowed is checked apart. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})?$/;
/** Where the seconds end, and the fraction or the zone may follow. */
const SECONDS_END = 19;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const FIRST_MS = daysFromCivil(0, 1, 1) * MS_PER_DAY;
const LAST_MS = daysFromCivil(10_000, 1, 1) * MS_PER_DAY - 1;

/** Reads a timestamp; undefined when it is none, when its day does not exist, or outside the years 0000 to 9999. */
export function parseTimestamp(text: string): Timestamp | undefined {
  if (!RFC_3339.test(text) || !startsWithDay(text)) return undefined;
  const hour = numberAt(text, 11, 13);
  const minute = numberAt(text, 14, 16);
  const second = numberAt(text, 17, 19);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zoneAt = startOfZone(text);
  const shiftMs = zoneShiftMs(text, zoneAt);
  if (shiftMs === undefined) return undefined;
  const days = daysFromCivil(numberAt(text, 0, 4), numberAt(text, 5, 7), numberAt(text, 8, 10));
  const secondsMs = days * MS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1000 - shiftMs;
  if (secondsMs < FIRST_MS || secondsMs > LAST_MS) return undefined;
  const whole = shiftMs === 0 ? `${text.slice(0, 10)}T${text.slice(11, SECONDS_END)}` : isoSeconds(secondsMs);
  if (zoneAt === SECONDS_END) return { utc: `${whole}Z`, epochMs: secondsMs };
  const fraction = text.slice(SECONDS_END + 1, zoneAt);
  return {
    utc: `${whole}${canonicalFraction(fraction)}Z`,
    epochMs: secondsMs + Number(fraction.padEnd(3, "0").slice(0, 3)),
  };
}

/** The canonical form of a time in ms since 1970-01-01T00:00:00Z, of the years 0000 to 9999. */
export function formatTimestamp(epochMs: number): string {
  const ms = epochMs - Math.floor(epochMs / 1000) * 1000;
  return `${isoSeconds(epochMs - ms)}${ms === 0 ? "" : `.${padded(ms, 3)}`}Z`;
}

/** Whether `text` is a day that exists, as YYYY-MM-DD. */
export function isDate(text: string): boolean {
  return DATE.test(text) && startsWithDay(text);
}

/**
 * Days from 1970-01-01 to a day of the proleptic Gregorian calendar. Source: Howard Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms", days_from_civil.
 */
export function daysFromCivil(year: number, month: number, day: number): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The UTC day of a date or a canonical timestamp, in days since 1970-01-01. */
export function dayOfDate(text: string): number {
  return daysFromCivil(numberAt(text, 0, 4), numberAt(text, 5, 7), numberAt(text, 8, 10));
}

/** The day that is `days` after 1970-01-01, as YYYY-MM-DD. Source: as above, civil_from_days. */
function isoDay(days: number): string {
  const shiftedDays = days + 719_468;
  const era = Math.floor(shiftedDays / 146_097);
  const dayOfEra = shiftedDays - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  // Months count from March, so that the leap day ends the year.
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

/** The time in UTC without fraction and zone; `epochMs` is a whole second. */
function isoSeconds(epochMs: number): string {
  const days = Math.floor(epochMs / MS_PER_DAY);
  const seconds = (epochMs - days * MS_PER_DAY) / 1000;
  const hour = Math.floor(seconds / 3600);
  const minute = Math.floor(seconds / 60) % 60;
  return `${isoDay(days)}T${padded(hour, 2)}:${padded(minute, 2)}:${padded(seconds % 60, 2)}`;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** The number that the digits from `start` to `end` are. */
function numberAt(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + text.charCodeAt(at) - 48;
  return value;
}

/** Whether the first ten characters, of the form YYYY-MM-DD, are a day that exists. */
function startsWithDay(text: string): boolean {
  const month = numberAt(text, 5, 7);
  const day = numberAt(text, 8, 10);
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(numberAt(text, 0, 4), month);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Where the zone of a timestamp starts; its end when there is none. */
function startOfZone(text: string): number {
  if (text.endsWith("Z") || text.endsWith("z")) return text.length - 1;
  const sign = text.at(-6);
  return sign === "+" || sign === "-" ? text.length - 6 : text.length;
}

/** How far the zone that starts at `at` is ahead of UTC; undefined when there is no such zone. */
function zoneShiftMs(text: string, at: number): number | undefined {
  if (text.length - at < 6) return 0;
  const hours = numberAt(text, at + 1, at + 3);
  const minutes = numberAt(text, at + 4, at + 6);
  if (hours > 23 || minutes > 59) return undefined;
  return (text[at] === "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** "", or a point and 3, 6 or 9 digits. */
function canonicalFraction(digits: string): string {
  const significant = digits.replace(/0+$/, "");
  return significant === "" ? "" : `.${significant.padEnd(Math.ceil(significant.length / 3) * 3, "0")}`;
}

/** The UTC day of a time in ms since 1970, in days since 1970-01-01. */
export function dayOf(timeMs: number): number {
  return Math.floor(timeMs / MS_PER_DAY);
}
