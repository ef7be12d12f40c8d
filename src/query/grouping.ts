// Which group an event is in: groups are numbered from 0 on, and each has a code for every dimension.

import type { Buckets } from "./buckets.ts";
import { TooMuch } from "./limits.ts";
import type { Dimension } from "./plan.ts";
import type { EventChunk } from "./site-events.ts";
import { TextCodes } from "./text-codes.ts";
import type { Values } from "./texts.ts";

/** More groups than anybody reads: they take some 100 bytes each. */
const MAX_GROUPS = 1_000_000;
/** Of the distinct texts of a dimension together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** What the rows of a chunk have of a dimension. */
export type RowValues = { readonly chunk: EventChunk; readonly buckets: Buckets } | Values;

export class Grouping {
  /** For each dimension that is a text: the codes of its values over all chunks. A time's codes are its buckets. */
  readonly #dimensions: readonly TextCodes[];
  /** For each dimension behind the first: the group by the group of the ones before and its code, as one number. */
  readonly #steps: Map<number, number>[];
  /** For each of these, by group: the group of the ones before, and the code. */
  readonly #parents: { group: number; code: number }[][];

  constructor(dimensions: readonly Dimension[]) {
    this.#dimensions = dimensions.map(() => new TextCodes());
    this.#steps = dimensions.slice(1).map(() => new Map());
    this.#parents = dimensions.slice(1).map(() => []);
  }

  /** Puts the groups of the `count` first rows of `rows` into `groups`. `values` are those of the dimensions, in order. */
  assign(rows: Uint32Array, count: number, values: readonly RowValues[], groups: Uint32Array): void {
    groups.fill(0, 0, count);
    const codes = new Uint32Array(count);
    for (const [index, dimension] of this.#dimensions.entries()) {
      putCodes(dimension, values[index], rows, count, index === 0 ? groups : codes);
      if (index === 0) continue;
      for (let at = 0; at < count; at += 1) {
        groups[at] = this.#step(index - 1, groups[at] ?? 0, codes[at] ?? 0);
      }
    }
  }

  /** The codes of a group, for each dimension. */
  codes(group: number): number[] {
    const codes: number[] = [];
    let rest = group;
    for (const parents of this.#parents.toReversed()) {
      const parent = parents[rest];
      codes.unshift(parent?.code ?? 0);
      rest = parent?.group ?? 0;
    }
    if (this.#dimensions.length > 0) codes.unshift(rest);
    return codes;
  }

  /** The value that a code of a text dimension stands for. */
  text(dimension: number, code: number): string {
    return this.#dimensions[dimension]?.text(code) ?? "";
  }

  #step(index: number, group: number, code: number): number {
    const groups = this.#steps[index];
    const parents = this.#parents[index];
    if (!groups || !parents) throw new Error("there is no such dimension");
    const key = group * 2 ** 32 + code;
    let next = groups.get(key);
    if (next === undefined) {
      next = parents.length;
      checkGroups(next);
      groups.set(key, next);
      parents.push({ group, code });
    }
    return next;
  }
}

/** Puts the codes that the `count` first rows of `rows` have of a dimension into `codes`. */
function putCodes(
  dimension: TextCodes,
  values: RowValues | undefined,
  rows: Uint32Array,
  count: number,
  codes: Uint32Array,
): void {
  if (!values) throw new Error("a dimension has no values");
  if ("buckets" in values) putBuckets(values.buckets, values.chunk.times(), rows, count, codes);
  else putTexts(dimension, values, rows, count, codes);
}

function putBuckets(
  buckets: Buckets,
  times: Float64Array,
  rows: Uint32Array,
  count: number,
  codes: Uint32Array,
): void {
  // Events that follow each other are mostly in the same bucket.
  let [fromMs, toMs, index] = [0, 0, 0];
  for (let at = 0; at < count; at += 1) {
    const timeMs = times[rows[at] ?? 0] ?? 0;
    if (timeMs < fromMs || timeMs >= toMs) {
      index = buckets.indexOf(timeMs);
      ({ fromMs, toMs } = buckets.spanAround(timeMs));
    }
    codes[at] = index;
  }
}

function putTexts(
  dimension: TextCodes,
  { codeOf, text }: Values,
  rows: Uint32Array,
  count: number,
  codes: Uint32Array,
): void {
  if (!codeOf) {
    codes.fill(dimension.codeOf(text(0)), 0, count);
    return;
  }
  /** By the chunk's codes: the code over all chunks, and one more. */
  const known: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const own = codeOf(rows[at] ?? 0);
    let code = known[own] ?? 0;
    if (code === 0) {
      code = dimension.codeOf(text(own)) + 1;
      checkGroups(code);
      checkCharacters(dimension.characters);
      known[own] = code;
    }
    codes[at] = code - 1;
  }
}

function checkGroups(groups: number): void {
  if (groups <= MAX_GROUPS) return;
  throw new TooMuch(`more than ${MAX_GROUPS} groups: filter, or ask for a shorter range or fewer dimensions`);
}

function checkCharacters(characters: number): void {
  if (characters <= MAX_CHARACTERS) return;
  throw new TooMuch("the groups' texts are too long together: filter, or ask for fewer dimensions");
}
