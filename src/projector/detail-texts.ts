// The texts that events have beside those of their rows: which column each is of, and its hash. They are in arrays for many events, as
// an object for each event, with a member for each text that it might have, costs more than all of the texts.

import type { TextColumnName } from "../columns/chunk.ts";
import { widened } from "../columns/widened.ts";

/** The columns of the fields of RecordedEvent, by the fields' numbers (proto/analytics/v1/event_log.proto). */
export const DETAIL_COLUMNS: readonly (TextColumnName | undefined)[] = columnsOf([
  [9, "hostname"],
  [10, "title"],
  [11, "language"],
  [13, "props"],
  [15, "currency"],
  [16, "referrer"],
  [17, "source"],
  [18, "channel"],
  [19, "utm_source"],
  [20, "utm_medium"],
  [21, "utm_campaign"],
  [22, "utm_term"],
  [23, "utm_content"],
  [24, "browser"],
  [25, "os"],
  [26, "device"],
  [27, "country"],
  [28, "region"],
]);

const FIRST_ROOM = 64;

export class DetailTexts {
  readonly #texts: string[];
  #count = 0;
  #fields: Uint32Array;
  #hashes: Uint32Array;

  /** `room` is for how many there probably will be. */
  constructor(room = FIRST_ROOM) {
    this.#texts = Array(room).fill("");
    this.#fields = new Uint32Array(room);
    this.#hashes = new Uint32Array(room);
  }

  get length(): number {
    return this.#count;
  }

  /** Takes the text of a field that has a column; `hash` is that of texts.ts, 0 for none. */
  add(field: number, text: string, hash: number): void {
    const place = this.#count;
    if (place === this.#fields.length) {
      this.#fields = widened(this.#fields, 2 * place + FIRST_ROOM);
      this.#hashes = widened(this.#hashes, 2 * place + FIRST_ROOM);
    }
    this.#count += 1;
    this.#texts[place] = text;
    this.#fields[place] = field;
    this.#hashes[place] = hash;
  }

  textAt(place: number): string {
    return this.#texts[place] ?? "";
  }

  fieldAt(place: number): number {
    return this.#fields[place] ?? 0;
  }

  /** Signed, as it was taken. */
  hashAt(place: number): number {
    return (this.#hashes[place] ?? 0) | 0;
  }
}

function columnsOf(fields: readonly (readonly [number, TextColumnName])[]): (TextColumnName | undefined)[] {
  const columns: (TextColumnName | undefined)[] = [];
  for (const [field, column] of fields) columns[field] = column;
  // Without holes, which map() would pass over.
  return Array.from(columns);
}
