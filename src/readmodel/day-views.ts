// What the events of a chunk add to the views of each day of their site, and to those of all time. Events of bots are no views.
//
// The paths of a day are one JSON text, as binding a value costs more than SQLite's reading it from JSON, and sorted, about as
// the trees have them: neighbours share pages.

import type { NumberValues, TextValues } from "../columns/column-values.ts";
import { dayOf } from "../ingest/timestamp.ts";
import { VIEW } from "../projector/page-view.ts";
import type { DayViews } from "./changes.ts";
import { ALL_TIME } from "./schema.ts";

export interface ViewColumns {
  /** In ms since 1970. */
  readonly times: NumberValues<Float64Array>;
  readonly types: TextValues;
  readonly paths: TextValues;
  /** 1 for a bot's. */
  readonly bots: NumberValues<Uint32Array>;
}

/** Of the first `rows` rows. */
export function dayViews(site: number, rows: number, columns: ViewColumns): DayViews[] {
  const paths = new SortedTexts(columns.paths);
  const days = placesByDay(rows, columns, paths);
  const views = [...days].map(([day, places]) => {
    return { site, day, views: places.length, ...paths.counted(places) };
  });
  const [only] = views;
  if (!only) return [];
  if (views.length === 1) return [only, { ...only, day: ALL_TIME }];
  const all = [...days.values()].flat();
  return [...views, { site, day: ALL_TIME, views: all.length, ...paths.counted(all) }];
}

/** For each day that has views, the place of each one's path. */
function placesByDay(rows: number, { times, types, paths, bots }: ViewColumns, sorted: SortedTexts) {
  const days = new Map<number, number[]>();
  const view = types.codeOf(VIEW);
  let day = Number.NaN;
  let places: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    if (types.codes[row] !== view || bots.values[row] !== 0) continue;
    const next = dayOf(times.values[row] ?? 0);
    if (next !== day) {
      day = next;
      places = days.get(day) ?? [];
      days.set(day, places);
    }
    places.push(sorted.places[paths.codes[row] ?? 0] ?? 0);
  }
  return days;
}

/** The texts of a column by their order: the first one is empty. */
class SortedTexts {
  /** By code. */
  readonly places: Uint32Array;
  readonly #quoted: readonly string[];
  /** By place: all 0 but while something is counted. */
  readonly #counts: Uint32Array;

  constructor(column: TextValues) {
    const texts = column.dictionary.sort();
    this.places = new Uint32Array(texts.length);
    for (let place = 0; place < texts.length; place += 1) {
      this.places[column.codeOf(texts[place] ?? "") ?? 0] = place;
    }
    this.#quoted = texts.map((text) => JSON.stringify(text));
    this.#counts = new Uint32Array(texts.length);
  }

  /** How often each text is there, without the empty one. A JSON object, made by hand, as JavaScript's objects are slow with so
   *  many keys and have an order of their own. */
  counted(places: readonly number[]): Pick<DayViews, "paths" | "different"> {
    const counts = this.#counts;
    const found = new Uint32Array(Math.min(places.length, counts.length));
    let different = 0;
    for (const place of places) {
      const count = counts[place] ?? 0;
      if (count === 0) {
        found[different] = place;
        different += 1;
      }
      counts[place] = count + 1;
    }
    const members: string[] = [];
    for (const place of found.subarray(0, different).sort()) {
      if (place > 0) members.push(`${this.#quoted[place]}:${counts[place]}`);
      counts[place] = 0;
    }
    return { paths: `{${members.join(",")}}`, different: members.length };
  }
}
