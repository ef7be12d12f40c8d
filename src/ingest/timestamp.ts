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

const MS_PER_DAY = 86_400_000;
const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})?$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const FIRST_MS = daysFromCivil(0, 1, 1) * MS_PER_DAY;
const LAST_MS = daysFromCivil(10_000, 1, 1) * MS_PER_DAY - 1;

/** Reads a timestamp; undefined when it is none, when its day does not exist, or outside the years 0000 to 9999. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = RFC_3339.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match;
  if (!dayExists(Number(year), Number(month), Number(day))) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const shiftMs = zoneShiftMs(zone);
  if (shiftMs === undefined) return undefined;
  const localMs =
    daysFromCivil(Number(year), Number(month), Number(day)) * MS_PER_DAY +
    Number(hour) * 3_600_000 +
    Number(minute) * 60_000 +
    Number(second) * 1000;
  const secondsMs = localMs - shiftMs;
  if (secondsMs < FIRST_MS || secondsMs > LAST_MS) return undefined;
  const whole = shiftMs === 0 ? `${text.slice(0, 10)}T${text.slice(11, 19)}` : isoSeconds(secondsMs);
  return { utc: `${whole}${canonicalFraction(fraction)}Z`, epochMs: secondsMs + Number(fraction.padEnd(3, "0").slice(0, 3)) };
}

/** The canonical form of a time in ms since 1970-01-01T00:00:00Z. */
export function formatTimestamp(epochMs: number): string {
  const text = new Date(epochMs).toISOString();
  return text.endsWith(".000Z") ? `${text.slice(0, 19)}Z` : text;
}

/** Whether `text` is a day that exists, as YYYY-MM-DD. */
export function isDate(text: string): boolean {
  const match = DATE.exec(text);
  return match !== null && dayExists(Number(match[1]), Number(match[2]), Number(match[3]));
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

function dayExists(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** How far a zone is ahead of UTC; undefined when it is none. */
function zoneShiftMs(zone: string): number | undefined {
  if (zone === "Z" || zone === "z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 23 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

function isoSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19);
}

/** "", or a point and 3, 6 or 9 digits. */
function canonicalFraction(digits: string): string {
  const significant = digits.replace(/0+$/, "");
  return significant === "" ? "" : `.${significant.padEnd(Math.ceil(significant.length / 3) * 3, "0")}`;
}
