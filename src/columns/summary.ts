// What a chunk of events comes to as a whole, without bots: enough for questions that take all of its events, and do not tell
// them apart.

import { VIEW } from "../projector/page-view.ts";
import type { Columns } from "./chunk.ts";
import { decodeIntegers, decodeTexts, encodeNumbers, rowsOf } from "./column.ts";

export interface Summary {
  readonly events: number;
  readonly pageviews: number;
  /** Columns of the distinct numbers, ascending; 0, which stands for none, is not among them. */
  readonly visitors: Buffer;
  readonly sessions: Buffer;
}

export function summaryOf(columns: Columns, rows: number): Summary {
  const bots = integers(columns, "bot");
  const isPerson = (row: number) => bots === undefined || bots[row] === 0;
  const types = columns.get("event_type");
  const { codes, dictionary } = types ? decodeTexts(types) : { codes: new Uint32Array(0), dictionary: [] };
  const view = dictionary.indexOf(VIEW);
  let events = 0;
  let pageviews = 0;
  for (let row = 0; row < rows; row += 1) {
    if (!isPerson(row)) continue;
    events += 1;
    if (codes[row] === view) pageviews += 1;
  }
  return {
    ...{ events, pageviews },
    visitors: distinctOf(integers(columns, "visitor"), isPerson),
    sessions: distinctOf(integers(columns, "session"), isPerson),
  };
}

function integers(columns: Columns, name: "bot" | "visitor" | "session"): Uint32Array | undefined {
  const column = columns.get(name);
  return column && rowsOf(column) > 0 ? decodeIntegers(column) : undefined;
}

function distinctOf(numbers: Uint32Array = new Uint32Array(0), isPerson: (row: number) => boolean): Buffer {
  const taken = new Uint32Array(numbers.length);
  let count = 0;
  for (let row = 0; row < numbers.length; row += 1) {
    const number = numbers[row] ?? 0;
    if (number === 0 || !isPerson(row)) continue;
    taken[count] = number;
    count += 1;
  }
  const sorted = taken.subarray(0, count).sort();
  let distinct = 0;
  for (let index = 0; index < count; index += 1) {
    const number = sorted[index] ?? 0;
    if (distinct > 0 && number === sorted[distinct - 1]) continue;
    sorted[distinct] = number;
    distinct += 1;
  }
  return encodeNumbers(sorted.subarray(0, distinct));
}
