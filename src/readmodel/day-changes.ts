// What a batch adds to the aggregates of a site: to each of its days, and to all time. The paths are one JSON text, as binding
// a value costs more than SQLite's reading it from JSON, and sorted, about as the trees have them: neighbours share pages.

import type { DayChanges, Fold } from "../projector/fold.ts";
import type { DayChange } from "./changes.ts";
import { ALL_TIME } from "./schema.ts";

export function dayChanges(site: number, { users, days }: Fold): DayChange[] {
  const changes = [...days].map(([day, changes]) => ({ ...{ site, day }, ...written(changes) }));
  const [only] = changes;
  if (!only) return [];
  // Users are not added up, as one can come on several days.
  const all = changes.length === 1 ? only : { ...only, ...written(sumOf(days.values())) };
  return [...changes, { ...all, day: ALL_TIME, users }].filter(({ views, users }) => views > 0 || users > 0);
}

function written({ views, users, paths }: DayChanges) {
  return { views, users, paths: objectOf(paths) };
}

function sumOf(days: Iterable<DayChanges>): DayChanges {
  const sum = { views: 0, users: 0, paths: new Map<string, number>() };
  for (const { views, paths } of days) {
    sum.views += views;
    for (const [path, count] of paths) sum.paths.set(path, (sum.paths.get(path) ?? 0) + count);
  }
  return sum;
}

/** A JSON object, made by hand, as JavaScript's objects are slow with so many keys and have an order of their own. */
function objectOf(counts: ReadonlyMap<string, number>): string {
  const members = [...counts.keys()].sort().map((name) => `${JSON.stringify(name)}:${counts.get(name)}`);
  return `{${members.join(",")}}`;
}
