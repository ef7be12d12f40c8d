// What the events of a chunk add to the views of each day of their site, and to those of all time. Events of bots are no views.

import type { Columns } from "../columns/chunk.ts";
import { decodeIntegers, decodeNumbers, decodeTextBytes, decodeTexts } from "../columns/column.ts";
import type { TextBytes } from "../columns/text-bytes.ts";
import { dayOf } from "../ingest/timestamp.ts";
import { VIEW } from "../projector/page-view.ts";
import type { CountedTexts } from "./counted-texts.ts";
import { ALL_TIME } from "./schema.ts";

/** Views that are added to a day, or to all time. */
export interface DayViews {
  readonly day: number;
  readonly views: number;
  /** Those of each path; a view without one has none. */
  readonly paths: CountedTexts;
}

export function dayViews(columns: Columns): DayViews[] {
  const days = rowsByDay(columns);
  const paths = new Paths(columns.get("path"));
  const views = [...days].map(([day, rows]) => ({ day, views: rows.length, paths: paths.counted(rows) }));
  const [only] = views;
  if (!only) return [];
  if (views.length === 1) return [only, { ...only, day: ALL_TIME }];
  const all = [...days.values()].flat();
  return [...views, { day: ALL_TIME, views: all.length, paths: paths.counted(all) }];
}

class Paths {
  readonly #codes: Uint32Array;
  readonly #texts: TextBytes;
  /** By code: all 0 but while something is counted. */
  readonly #counts: Uint32Array;

  /** Without a column, all are empty. */
  constructor(column: Buffer | undefined) {
    const { codes, texts } = column
      ? decodeTextBytes(column)
      : { codes: new Uint32Array(0), texts: NO_TEXTS };
    this.#codes = codes;
    this.#texts = texts;
    this.#counts = new Uint32Array(texts.starts.length);
  }

  /** How often each path is in `rows`, without the empty one. */
  counted(rows: readonly number[]): CountedTexts {
    const found = this.#count(rows);
    const { bytes } = this.#texts;
    const [starts, ends] = [new Uint32Array(found.length), new Uint32Array(found.length)];
    const counts = new Float64Array(found.length);
    for (let place = 0; place < found.length; place += 1) {
      const code = found[place] ?? 0;
      starts[place] = this.#texts.starts[code] ?? 0;
      ends[place] = this.#texts.ends[code] ?? 0;
      counts[place] = this.#counts[code] ?? 0;
      this.#counts[code] = 0;
    }
    return { bytes, starts, ends, counts };
  }

  /** The codes that are in `rows`, each once. */
  #count(rows: readonly number[]): Uint32Array {
    const counts = this.#counts;
    const found = new Uint32Array(Math.min(rows.length, counts.length));
    let different = 0;
    for (let index = 0; index < rows.length; index += 1) {
      const code = this.#codes[rows[index] ?? 0] ?? 0;
      if (code === 0) continue;
      const count = counts[code] ?? 0;
      if (count === 0) {
        found[different] = code;
        different += 1;
      }
      counts[code] = count + 1;
    }
    return found.subarray(0, different);
  }
}

const NO_TEXTS: TextBytes = { bytes: Buffer.alloc(0), starts: new Uint32Array(0), ends: new Uint32Array(0) };

/** For each day that has views, the rows of these. */
function rowsByDay(columns: Columns): Map<number, number[]> {
  const [types, times, bots] = [columns.get("event_type"), columns.get("time"), columns.get("bot")];
  const days = new Map<number, number[]>();
  if (!types) return days;
  const { codes, dictionary } = decodeTexts(types);
  const timesMs = times && decodeNumbers(times);
  const areBots = bots && decodeIntegers(bots);
  const view = dictionary.indexOf(VIEW);
  let day = Number.NaN;
  let rows: number[] = [];
  for (let row = 0; row < codes.length; row += 1) {
    if (codes[row] !== view || areBots?.[row] === 1) continue;
    const next = dayOf(timesMs?.[row] ?? 0);
    if (next !== day) {
      day = next;
      rows = days.get(day) ?? [];
      days.set(day, rows);
    }
    rows.push(row);
  }
  return days;
}
