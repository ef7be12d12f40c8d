// Which group an event is in: groups are numbered from 0 on, and each has a code for every dimension.

import type { Buckets } from "./buckets.ts";
import { TooMuch } from "./limits.ts";
import type { Dimension } from "./plan.ts";
import type { Values } from "./texts.ts";

/** More groups than anybody reads: they take some 100 bytes each. */
const MAX_GROUPS = 1_000_000;

/** The codes of one dimension over all chunks: of a time they are its buckets, of a text its place in `texts`. */
class DimensionCodes {
  readonly dimension: Dimension;
  readonly texts: string[] = [];
  readonly #codes = new Map<string, number>();

  constructor(dimension: Dimension) {
    this.dimension = dimension;
  }

  codeOf(text: string): number {
    let code = this.#codes.get(text);
    if (code === undefined) {
      code = this.texts.length;
      this.texts.push(text);
      this.#codes.set(text, code);
    }
    return code;
  }
}

/** What the rows of a chunk have of a dimension. */
export type RowValues = { readonly times: Float64Array; readonly buckets: Buckets } | Values;

export class Grouping {
  readonly #dimensions: readonly DimensionCodes[];
  /** For each dimension behind the first: the group by the group of the ones before and its code, as one number. */
  readonly #steps: Map<number, number>[];
  /** For each of these, by group: the group of the ones before, and the code. */
  readonly #parents: { group: number; code: number }[][];

  constructor(dimensions: readonly Dimension[]) {
    this.#dimensions = dimensions.map((dimension) => new DimensionCodes(dimension));
    this.#steps = dimensions.slice(1).map(() => new Map());
    this.#parents = dimensions.slice(1).map(() => []);
  }

  /** Puts the groups of the `count` first rows of `rows` into `groups`. `values` are those of the dimensions, in order. */
  assign(rows: Uint32Array, count: number, values: readonly RowValues[], groups: Uint32Array): void {
    groups.fill(0, 0, count);
    for (const [index, dimension] of this.#dimensions.entries()) {
      const codeOf = codesOfRows(dimension, values[index]);
      if (index === 0) for (let at = 0; at < count; at += 1) groups[at] = codeOf(rows[at] ?? 0);
      else {
        for (let at = 0; at < count; at += 1) {
          groups[at] = this.#step(index - 1, groups[at] ?? 0, codeOf(rows[at] ?? 0));
        }
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
    return this.#dimensions[dimension]?.texts[code] ?? "";
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

function codesOfRows(dimension: DimensionCodes, values: RowValues | undefined): (row: number) => number {
  if (!values) throw new Error("a dimension has no values");
  if ("buckets" in values) {
    const { buckets, times } = values;
    return (row) => buckets.indexOf(times[row] ?? 0);
  }
  const { codeOf, text } = values;
  if (!codeOf) {
    const code = dimension.codeOf(text(0));
    return () => code;
  }
  /** By the chunk's codes: the code over all chunks, and one more. */
  const known: number[] = [];
  return (row) => {
    const own = codeOf(row);
    let code = known[own] ?? 0;
    if (code === 0) {
      code = dimension.codeOf(text(own)) + 1;
      checkGroups(code);
      known[own] = code;
    }
    return code - 1;
  };
}

function checkGroups(groups: number): void {
  if (groups <= MAX_GROUPS) return;
  throw new TooMuch(`more than ${MAX_GROUPS} groups: filter, or ask for a shorter range or fewer dimensions`);
}
