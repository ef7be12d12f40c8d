// Which group an event is in: groups are numbered from 0 on, and each has a code for every dimension.

import type { Buckets } from "./buckets.ts";
import { TooMuch } from "./limits.ts";
import { PairNumbers } from "./pair-numbers.ts";
import type { Dimension } from "./plan.ts";
import { scratch } from "./scratch.ts";
import type { EventChunk } from "./site-events.ts";
import { TextCodes } from "./text-codes.ts";
import type { Values } from "./texts.ts";

/** More groups than anybody reads: with their counts they take some 100 bytes each. */
const MAX_GROUPS = 1_000_000;
/** Of the distinct texts of a dimension together. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** What the rows of a chunk have of a dimension. */
export type RowValues = { readonly chunk: EventChunk; readonly buckets: Buckets } | Values;

export class Grouping {
  /** For each dimension that is a text: the codes of its values over all chunks. A time's codes are its buckets. */
  readonly #dimensions: readonly TextCodes[];
  /** For each dimension behind the first: groups by the group of the ones before, and its code. */
  readonly #steps: readonly PairNumbers[];
  #codes = new Uint32Array(0);

  constructor(dimensions: readonly Dimension[]) {
    this.#dimensions = dimensions.map(() => new TextCodes());
    this.#steps = dimensions.slice(1).map(() => new PairNumbers());
  }

  /** Puts the groups of the `count` first rows of `rows` into `groups`. `values` are those of the dimensions, in order. */
  assign(rows: Uint32Array, count: number, values: readonly RowValues[], groups: Uint32Array): void {
    const [first, ...further] = this.#dimensions;
    if (!first) {
      groups.fill(0, 0, count);
      return;
    }
    putCodes(first, values[0], rows, count, groups);
    if (further.length > 0) this.#codes = scratch(this.#codes, count);
    for (const [index, dimension] of further.entries()) {
      putCodes(dimension, values[index + 1], rows, count, this.#codes);
      step(this.#steps[index], count, groups, this.#codes);
    }
  }

  /** The code that a group has of a dimension. */
  code(group: number, dimension: number): number {
    let rest = group;
    for (let index = this.#steps.length; index > dimension; index -= 1) {
      rest = this.#steps[index - 1]?.first(rest) ?? 0;
    }
    return dimension === 0 ? rest : (this.#steps[dimension - 1]?.second(rest) ?? 0);
  }

  /** The value that a code of a text dimension stands for. */
  text(dimension: number, code: number): string {
    return this.#dimensions[dimension]?.text(code) ?? "";
  }
}

/** Replaces groups by those that they and the codes of one more dimension make. */
function step(known: PairNumbers | undefined, count: number, groups: Uint32Array, codes: Uint32Array): void {
  if (!known) throw new Error("there is no such dimension");
  for (let at = 0; at < count; at += 1) {
    groups[at] = known.numberOf(groups[at] ?? 0, codes[at] ?? 0);
  }
  checkGroups(known.size);
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
