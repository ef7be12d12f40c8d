// Timestamps read from bytes. What is in its canonical form (timestamp.ts) stays as it is, and is read digit by digit
// when it is of the same day as the one before, which is where it costs little. All else is read by parseTimestamp.

import { formatTimestamp, MS_PER_DAY, parseTimestamp } from "./timestamp.ts";

/** A time whose canonical form is in `bytes`, from `start` to `end`. */
export interface CanonicalTime {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly epochMs: number;
}

/** "2025-11-12", "2025-11-12T19:30:01Z", "2025-11-12T19:30:01.123Z" */
const DAY_LENGTH = 10;
const SECONDS_LENGTH = 20;
const MS_LENGTH = 24;

export class CanonicalTimes {
  /** The day of the last time that was read by parseTimestamp, and when it begins. */
  #day: Uint8Array = new Uint8Array(DAY_LENGTH);
  #dayMs = 0;
  #ofMs: CanonicalTime | undefined;

  /** The time that the text in `bytes` from `start` to `end` is; undefined when it is none. */
  ofText(bytes: Uint8Array, start: number, end: number): CanonicalTime | undefined {
    const ms = this.#isLastDay(bytes, start) ? msOfDay(bytes, start, end) : undefined;
    if (ms !== undefined) return { bytes, start, end, epochMs: this.#dayMs + ms };
    // A text of other characters than ASCII is no time, however it is read.
    const time = parseTimestamp(Buffer.from(bytes.subarray(start, end)).toString("latin1"));
    if (!time) return undefined;
    const read = canonical(time.utc, time.epochMs);
    this.#day = read.bytes.subarray(0, DAY_LENGTH);
    this.#dayMs = Math.floor(time.epochMs / MS_PER_DAY) * MS_PER_DAY;
    return read;
  }

  /** The time `epochMs`, in ms since 1970-01-01T00:00:00Z. */
  ofMs(epochMs: number): CanonicalTime {
    if (this.#ofMs?.epochMs !== epochMs) this.#ofMs = canonical(formatTimestamp(epochMs), epochMs);
    return this.#ofMs;
  }

  #isLastDay(bytes: Uint8Array, start: number): boolean {
    for (let at = 0; at < DAY_LENGTH; at += 1) if (this.#day[at] !== bytes[start + at]) return false;
    return true;
  }
}

function canonical(utc: string, epochMs: number): CanonicalTime {
  const bytes = Buffer.from(utc);
  return { bytes, start: 0, end: bytes.length, epochMs };
}

/** The ms since its day began of a time in its canonical form with 0 or 3 digits of fraction; undefined for others. */
function msOfDay(bytes: Uint8Array, start: number, end: number): number | undefined {
  const hasMs = end - start === MS_LENGTH;
  if (!hasMs && end - start !== SECONDS_LENGTH) return undefined;
  const hasMarks =
    bytes[start + 10] === T &&
    bytes[start + 13] === COLON &&
    bytes[start + 16] === COLON &&
    bytes[end - 1] === Z;
  const hour = digits(bytes, start + 11, start + 13);
  const minute = digits(bytes, start + 14, start + 16);
  const second = digits(bytes, start + 17, start + 19);
  // NaN is in no range.
  if (!(hasMarks && hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  const seconds = ((hour * 60 + minute) * 60 + second) * 1000;
  if (!hasMs) return seconds;
  const ms = digits(bytes, start + 20, start + 23);
  // A fraction of zeros is not canonical.
  return bytes[start + 19] === POINT && ms > 0 ? seconds + ms : undefined;
}

const [T, Z, COLON, POINT] = [0x54, 0x5a, 0x3a, 0x2e];

/** The number that the digits from `start` to `end` are; NaN when not all are digits. */
function digits(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
