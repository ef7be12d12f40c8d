// How a condition compares the value of a dimension with its own values. All operators tell upper from lower case.

import { allChecked, type Checked, checked, quoted, refused } from "./checked.ts";
import { patternTest } from "./patterns.ts";

type ValueTest = (value: string) => boolean;

type MakeTest = (values: readonly string[], field: string) => Checked<ValueTest>;

/** The operator of patterns, which there may be only few of. */
export const MATCHES = "matches";

const OPERATORS: ReadonlyMap<string, MakeTest> = new Map<string, MakeTest>([
  ["is", (values) => checked(isOneOf(values))],
  ["is_not", (values) => checked(not(isOneOf(values)))],
  ["contains", (values) => checked(any(values.map((part) => (value) => value.includes(part))))],
  ["starts_with", (values) => checked(any(values.map((start) => (value) => value.startsWith(start))))],
  [MATCHES, matchesOneOf],
]);

/** The test that a condition makes of a value; `field` is where the condition stands in the question. */
export function conditionTest(
  operator: string,
  values: readonly string[],
  field: string,
): Checked<ValueTest> {
  const makeTest = OPERATORS.get(operator);
  if (makeTest) return makeTest(values, field);
  const known = [...OPERATORS.keys()].join(", ");
  return refused(`${field}.operator is ${quoted(operator)}; it must be one of ${known}`);
}

function isOneOf(values: readonly string[]): ValueTest {
  const all = new Set(values);
  return (value) => all.has(value);
}

function matchesOneOf(values: readonly string[], field: string): Checked<ValueTest> {
  const tests = allChecked(values, (pattern, index) => patternTest(pattern, `${field}.values[${index}]`));
  return tests.ok ? checked(any(tests.value)) : tests;
}

function any(tests: readonly ValueTest[]): ValueTest {
  return (value) => tests.some((test) => test(value));
}

function not(test: ValueTest): ValueTest {
  return (value) => !test(value);
}
