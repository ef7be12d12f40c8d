// A filter as a test of the rows of a chunk. Each distinct value of a dimension is tested once in a chunk.

import type { FilterNode, TextDimension } from "./plan.ts";
import type { Values } from "./texts.ts";

export type RowTest = (row: number) => boolean;

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;

/** `valuesOf` gives what the rows have of a dimension; `checkTime` is called before each value that was not tested yet. */
export function rowTest(
  filter: FilterNode,
  valuesOf: (dimension: TextDimension) => Values,
  checkTime: () => void,
): RowTest {
  switch (filter.kind) {
    case "condition":
      return conditionTest(valuesOf(filter.dimension), filter.passes, checkTime);
    case "not": {
      const test = rowTest(filter.filter, valuesOf, checkTime);
      return (row) => !test(row);
    }
    case "and": {
      const tests = filter.filters.map((one) => rowTest(one, valuesOf, checkTime));
      return (row) => tests.every((test) => test(row));
    }
    case "or": {
      const tests = filter.filters.map((one) => rowTest(one, valuesOf, checkTime));
      return (row) => tests.some((test) => test(row));
    }
  }
}

function conditionTest(
  { codeOf, text }: Values,
  passes: (value: string) => boolean,
  checkTime: () => void,
): RowTest {
  if (!codeOf) {
    const result = passes(text(0));
    return () => result;
  }
  const results: number[] = [];
  return (row) => {
    const code = codeOf(row);
    let result = results[code] ?? UNKNOWN;
    if (result === UNKNOWN) {
      checkTime();
      result = passes(text(code)) ? PASSES : FAILS;
      results[code] = result;
    }
    return result === PASSES;
  };
}
