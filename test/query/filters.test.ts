import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Filter, FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { filterOf } from "../../src/query/filters.ts";
import type { FilterNode } from "../../src/query/plan.ts";

function condition(dimension: string, operator: string, ...values: string[]): Filter {
  return create(FilterSchema, { kind: { case: "condition", value: { dimension, operator, values } } });
}

function several(kind: "and" | "or", ...filters: Filter[]): Filter {
  return create(FilterSchema, { kind: { case: kind, value: { filters } } });
}

function not(filter: Filter): Filter {
  return create(FilterSchema, { kind: { case: "not", value: filter } });
}

/** A filter that is `depth` filters deep. */
function nested(depth: number): Filter {
  let filter = condition("path", "is", "/");
  for (let level = 1; level < depth; level += 1) filter = not(filter);
  return filter;
}

function resolved(filter: Filter): FilterNode {
  const node = filterOf(filter, "filter");
  return node.ok ? node.value : expect.fail(node.reason);
}

function reasonOf(filter: Filter): string {
  const node = filterOf(filter, "filter");
  return node.ok ? expect.fail("it was not refused") : node.reason;
}

/** Whether a value of the condition's dimension passes. */
function passes(operator: string, values: string[], value: string): boolean {
  const node = resolved(condition("path", operator, ...values));
  return node.kind === "condition" ? node.passes(value) : expect.fail("it is no condition");
}

describe("an operator", () => {
  test.each([
    ["is", ["/a", "/b"], "/b", true],
    ["is", ["/a", "/b"], "/B", false],
    ["is", [""], "", true],
    ["is_not", ["/a", "/b"], "/b", false],
    ["is_not", ["/a", "/b"], "/c", true],
    ["is_not", ["/a"], "", true],
    ["contains", ["x", "log"], "/blog", true],
    ["contains", ["LOG"], "/blog", false],
    ["contains", ["%"], "/blog", false],
    ["starts_with", ["x", "/b"], "/blog", true],
    ["starts_with", ["blog"], "/blog", false],
    ["matches", ["x", "b.o"], "/blog", true],
    ["matches", ["^b"], "/blog", false],
    ["matches", ["(?i)^/BLOG$"], "/blog", true],
    ["matches", ["^.$"], "😀", true],
    ["matches", ["^$"], "", true],
  ])("%s %j of %j is %s", (operator, values, value, expected) => {
    expect(passes(operator, values, value)).toBe(expected);
  });

  test("is_not passes what is does not", () => {
    const text = fc.constantFrom("", "a", "b", "c");
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), text, (values, value) => {
        expect(passes("is_not", values, value)).toBe(!passes("is", values, value));
      }),
    );
  });

  test("takes quotes, line feeds and SQL as they are", () => {
    for (const value of ["'; DROP TABLE events; --", 'a"b', "two\nlines", "%_\\"]) {
      for (const operator of ["is", "contains", "starts_with"]) {
        expect(passes(operator, [value], value)).toBe(true);
        expect(passes(operator, [value], "other")).toBe(false);
      }
    }
  });

  test("is refused when nobody knows it", () => {
    expect(reasonOf(condition("path", "like", "x"))).toBe(
      'filter.condition.operator is "like"; it must be one of is, is_not, contains, starts_with, matches',
    );
  });
});

describe("a pattern", () => {
  test("made to backtrack for ever does not", () => {
    const began = performance.now();
    expect(passes("matches", ["(a+)+$"], `${"a".repeat(100_000)}!`)).toBe(false);
    expect(passes("matches", ["(x+x+)+y"], "x".repeat(100_000))).toBe(false);
    expect(passes("matches", ["^(([a-z])+.)+[A-Z]([a-z])+$"], "a".repeat(100_000))).toBe(false);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("that is no regular expression is refused with RE2's reason", () => {
    const reason = reasonOf(
      several("or", condition("path", "is", "/"), condition("path", "matches", "a", "a(b")),
    );
    expect(reason).toBe(
      "filter.or.filters[1].condition.values[1] is no regular expression in RE2's syntax: " +
        "error parsing regexp: missing closing ): `a(b`",
    );
  });

  test("with what RE2 lacks is refused", () => {
    expect(reasonOf(condition("path", "matches", "(a)\\1"))).toContain("invalid escape sequence");
    expect(reasonOf(condition("path", "matches", "a(?=b)"))).toContain("in RE2's syntax");
  });

  test("that repeats repetitions is refused", () => {
    expect(reasonOf(condition("path", "matches", "(a{1000}){1000}"))).toContain("invalid repeat count");
  });

  test.each([
    ["a{1000}", 140],
    ["(?:a?){1000}", 80],
    ["(?i:\\w{999})", 70],
  ])("with a large program is refused: %s %i times", (part, times) => {
    expect(reasonOf(condition("path", "matches", part.repeat(times)))).toMatch(
      /is a pattern of \d+ instructions; at most 1000 are allowed: repeat less in it$/,
    );
  });

  test("is at most 1,000 bytes long", () => {
    expect(passes("matches", [`^${"é".repeat(499)}`], "é".repeat(499))).toBe(true);
    expect(reasonOf(condition("path", "matches", `^${"é".repeat(500)}`))).toBe(
      "filter.condition.values[0] is a pattern of 1001 bytes; at most 1000 are allowed",
    );
  });

  test("is one of at most ten in a filter", () => {
    const patterns = (count: number) => condition("path", "matches", ...new Array<string>(count).fill("a"));
    resolved(several("and", patterns(5), patterns(5)));
    expect(reasonOf(several("and", patterns(5), patterns(6)))).toBe(
      "filter has more than 10 patterns in all: join them with |, or use another operator",
    );
  });
});

describe("a filter", () => {
  test("keeps its form", () => {
    const filter = several(
      "and",
      not(condition("props.plan", "is", "pro")),
      condition("entry_page", "is", "/"),
    );
    expect(resolved(filter)).toMatchObject({
      kind: "and",
      filters: [
        { kind: "not", filter: { kind: "condition", dimension: { kind: "prop", key: "plan" } } },
        { kind: "condition", dimension: { kind: "visit", name: "entry_page" } },
      ],
    });
  });

  test("is at most 10 deep", () => {
    resolved(nested(10));
    expect(reasonOf(nested(11))).toBe("filter is more than 10 filters deep");
    expect(reasonOf(nested(50))).toBe("filter is more than 10 filters deep");
    expect(reasonOf(nested(100_000))).toBe("filter is more than 10 filters deep");
  });

  test("has at most 1,000 values in all", () => {
    const values = (count: number) => condition("path", "is", ...new Array<string>(count).fill("/"));
    resolved(several("or", values(500), values(500)));
    expect(reasonOf(several("or", values(500), values(501)))).toBe("filter has more than 1000 values in all");
    expect(reasonOf(values(10_000))).toBe("filter has more than 1000 values in all");
  });

  test("has values of at most 2,000 bytes", () => {
    resolved(condition("path", "is", "é".repeat(1000)));
    expect(reasonOf(condition("path", "is", "/", "é".repeat(1001)))).toBe(
      "filter.condition.values[1] is longer than the 2000 bytes that are allowed",
    );
  });

  test("says what it is", () => {
    expect(reasonOf(create(FilterSchema))).toBe(
      "filter is empty; it must have one of condition, and, or, not",
    );
    expect(reasonOf(not(create(FilterSchema)))).toBe(
      "filter.not is empty; it must have one of condition, and, or, not",
    );
    expect(reasonOf(several("or"))).toBe("filter.or.filters is empty; it must have at least one filter");
    expect(reasonOf(condition("path", "is"))).toBe(
      "filter.condition.values is empty; it must have at least one value",
    );
  });

  test("looks at dimensions that there are, but at no time", () => {
    expect(reasonOf(condition("colour", "is", "red"))).toMatch(
      /^filter\.condition\.dimension has the unknown dimension "colour"; known are path, .*exit_page, props\.KEY$/,
    );
    expect(reasonOf(condition("time:day", "is", "2025-01-01"))).toBe(
      'filter.condition.dimension is "time:day", but a filter cannot look at the time: use range, or from and to',
    );
  });
});
