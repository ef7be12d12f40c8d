// Reads canonical timestamps as the log has them. Those that follow each other are mostly of one day.

import { daysFromCivil, MS_PER_DAY } from "../ingest/timestamp.ts";

const SHORTEST = "YYYY-MM-DDTHH:MM:SSZ".length;
const POINT = ".".charCodeAt(0);

export class TimestampReader {
  /** A date, as the number that all its digits are, and when it begins. */
  #date = Number.NaN;
  #dateMs = Number.NaN;

  /** In ms since 1970-01-01T00:00:00Z, without what is finer; NaN when it is too short to be one. */
  read(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < SHORTEST) return Number.NaN;
    const [year, month, day] = [
      digits(bytes, start, 4),
      digits(bytes, start + 5, 2),
      digits(bytes, start + 8, 2),
    ];
    const date = (year * 100 + month) * 100 + day;
    if (date !== this.#date) {
      this.#date = date;
      this.#dateMs = daysFromCivil(year, month, day) * MS_PER_DAY;
    }
    const minutes = digits(bytes, start + 11, 2) * 60 + digits(bytes, start + 14, 2);
    const fraction = bytes[start + 19] === POINT ? digits(bytes, start + 20, 3) : 0;
    return this.#dateMs + (minutes * 60 + digits(bytes, start + 17, 2)) * 1000 + fraction;
  }
}

/** The number that the `count` digits from `start` on are. */
function digits(bytes: Uint8Array, start: number, count: number): number {
  let number = 0;
  for (let at = start; at < start + count; at += 1) number = number * 10 + (bytes[at] ?? 0) - 0x30;
  return number;
}
