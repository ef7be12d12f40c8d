// From a filter as it was asked to one that the engine can use. Goals are made of filters, too.

import type { Condition, Filter } from "../../gen/ts/analytics/v1/query_pb.ts";
import { allChecked, type Checked, checked, type Refused, refused } from "./checked.ts";
import { conditionTest, MATCHES } from "./conditions.ts";
import { filterDimensionOf } from "./dimensions.ts";
import type { FilterNode } from "./plan.ts";

const MAX_DEPTH = 10;
/** In all conditions of a filter together. */
const MAX_VALUES = 1000;
/** In bytes of UTF-8: about as long as the longest values of events. */
export const MAX_VALUE_BYTES = 2000;
/** In all conditions together: each takes up to 8 MB, which RE2 remembers its states in. */
const MAX_PATTERNS = 10;

/**
 * Checks and resolves a filter. `field` is what it is called in a reason, such as "filter" or "goal"; parts of it are
 * named as in JSON: "filter.and.filters[0].condition.values".
 */
export function filterOf(filter: Filter, field: string): Checked<FilterNode> {
  return new FilterReader(field).read(filter, field, 1);
}

/** Reads one filter, and counts what is in it. */
class FilterReader {
  readonly #name: string;
  #values = 0;
  #patterns = 0;

  constructor(name: string) {
    this.#name = name;
  }

  read({ kind }: Filter, field: string, depth: number): Checked<FilterNode> {
    if (depth > MAX_DEPTH) return refused(`${this.#name} is more than ${MAX_DEPTH} filters deep`);
    switch (kind.case) {
      case "condition":
        return this.#condition(kind.value, `${field}.condition`);
      case "and":
      case "or":
        return this.#several(kind.case, kind.value.filters, `${field}.${kind.case}.filters`, depth);
      case "not": {
        const inner = this.read(kind.value, `${field}.not`, depth + 1);
        return inner.ok ? checked({ kind: "not", filter: inner.value }) : inner;
      }
      case undefined:
        return refused(`${field} is empty; it must have one of condition, and, or, not`);
    }
  }

  #several(kind: "and" | "or", all: readonly Filter[], field: string, depth: number): Checked<FilterNode> {
    if (all.length === 0) return refused(`${field} is empty; it must have at least one filter`);
    const filters = allChecked(all, (filter, index) => this.read(filter, `${field}[${index}]`, depth + 1));
    return filters.ok ? checked({ kind, filters: filters.value }) : filters;
  }

  #condition({ dimension, operator, values }: Condition, field: string): Checked<FilterNode> {
    const resolved = filterDimensionOf(dimension, `${field}.dimension`);
    if (!resolved.ok) return resolved;
    const problem = this.#valuesProblem(values, operator, `${field}.values`);
    if (problem) return problem;
    const passes = conditionTest(operator, values, field);
    if (!passes.ok) return passes;
    return checked({ kind: "condition", dimension: resolved.value, passes: passes.value });
  }

  #valuesProblem(values: readonly string[], operator: string, field: string): Refused | undefined {
    if (values.length === 0) return refused(`${field} is empty; it must have at least one value`);
    this.#values += values.length;
    if (this.#values > MAX_VALUES) return refused(`${this.#name} has more than ${MAX_VALUES} values in all`);
    if (operator === MATCHES) this.#patterns += values.length;
    if (this.#patterns > MAX_PATTERNS) {
      return refused(
        `${this.#name} has more than ${MAX_PATTERNS} patterns in all: join them with |, or use another operator`,
      );
    }
    const long = values.findIndex((value) => Buffer.byteLength(value) > MAX_VALUE_BYTES);
    if (long < 0) return undefined;
    return refused(`${field}[${long}] is longer than the ${MAX_VALUE_BYTES} bytes that are allowed`);
  }
}
