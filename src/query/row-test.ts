// A filter as a test of the rows of a chunk. Each distinct value of a dimension is tested once in a chunk.

import type { FilterNode } from "./plan.ts";
import type { Values } from "./texts.ts";

export type RowTest = (row: number) => boolean;

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;

/** `valuesOf` gives what the rows have of a dimension. */
export function rowTest(
  filter: FilterNode,
  valuesOf: (dimension: (FilterNode & { kind: "condition" })["dimension"]) => Values,
): RowTest {
  switch (filter.kind) {
    case "condition":
      return conditionTest(valuesOf(filter.dimension), filter.passes);
    case "not": {
      const test = rowTest(filter.filter, valuesOf);
      return (row) => !test(row);
    }
    case "and": {
      const tests = filter.filters.map((one) => rowTest(one, valuesOf));
      return (row) => tests.every((test) => test(row));
    }
    case "or": {
      const tests = filter.filters.map((one) => rowTest(one, valuesOf));
      return (row) => tests.some((test) => test(row));
    }
  }
}

function conditionTest({ codeOf, text }: Values, passes: (value: string) => boolean): RowTest {
  if (!codeOf) {
    const result = passes(text(0));
    return () => result;
  }
  const results: number[] = [];
  return (row) => {
    const code = codeOf(row);
    let result = results[code] ?? UNKNOWN;
    if (result === UNKNOWN) {
      result = passes(text(code)) ? PASSES : FAILS;
      results[code] = result;
    }
    return result === PASSES;
  };
}
