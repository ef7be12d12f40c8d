// Random questions to a dataset. They are nearly always valid: what has no meaning, or would be a series of too many rows,
// is left out. The tests of the request's validation have the others.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  Comparison,
  type Condition,
  ConditionSchema,
  type Filter,
  FilterSchema,
  type QueryStatsRequest,
  QueryStatsRequestSchema,
} from "../../../gen/ts/analytics/v1/query_pb.ts";
import { EVENT_DIMENSIONS, METRICS, TIME_UNITS, VISIT_DIMENSIONS } from "../../../src/query/plan.ts";
import {
  CURRENCIES,
  EVENT_TYPES,
  PARTS,
  PATHS,
  PATTERNS,
  PROP_KEYS,
  SITES,
  TEXTS,
  ZONES,
} from "./vocabulary.ts";

/** The name that a question has for its goal. */
export const GOAL = "goal";

export interface Question {
  readonly request: QueryStatsRequest;
  /** What the goal is made of. */
  readonly goal: Filter;
  /** When it is asked, in ms after the moment of the dataset. */
  readonly afterMs: number;
}

const HOUR_MS = 3_600_000;
const METRICS_OF_WHOLE_VISITS = ["views_per_visit", "bounce_rate", "visit_duration", "conversion_rate"];
const DIMENSIONS_OF_SINGLE_EVENTS = ["event_type", "title"];

const textDimension = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("path", ...VISIT_DIMENSIONS, "event_type") },
  { weight: 2, arbitrary: fc.constantFrom(...PROP_KEYS.map((key) => `props.${key}`)) },
  { weight: 3, arbitrary: fc.constantFrom(...EVENT_DIMENSIONS) },
);

const condition: fc.Arbitrary<Condition> = textDimension.chain((dimension) =>
  fc
    .constantFrom("is", "is_not", "contains", "starts_with", "matches")
    .chain((operator) =>
      fc
        .array(operandOf(dimension, operator), { minLength: 1, maxLength: 3 })
        .map((values) => create(ConditionSchema, { dimension, operator, values })),
    ),
);

function operandOf(dimension: string, operator: string): fc.Arbitrary<string> {
  if (operator === "matches") return fc.constantFrom(...PATTERNS);
  const whole = /path|page/.test(dimension) ? PATHS : dimension === "event_type" ? EVENT_TYPES : TEXTS;
  if (operator === "is" || operator === "is_not") return fc.constantFrom<string>(...whole, "nowhere");
  return fc.constantFrom<string>(...whole, ...PARTS);
}

const filter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter; leaf: Filter; many: Filter[] }>((tie) => ({
  leaf: condition.map((value) => create(FilterSchema, { kind: { case: "condition", value } })),
  many: fc.array(tie("filter"), { minLength: 1, maxLength: 3 }),
  filter: fc.oneof(
    { maxDepth: 3 },
    { weight: 3, arbitrary: tie("leaf") },
    tie("many").map((filters) => create(FilterSchema, { kind: { case: "and", value: { filters } } })),
    tie("many").map((filters) => create(FilterSchema, { kind: { case: "or", value: { filters } } })),
    tie("filter").map((value) => create(FilterSchema, { kind: { case: "not", value } })),
  ),
})).filter;

/** What a range is asked with. */
type Range = Pick<QueryStatsRequest, "range" | "from" | "to">;

const namedRange = fc.constantFrom(
  ...["today", "yesterday", "1d", "7d", "30d", "90d", "1mo", "3mo", "13mo", "month", "year", "all", ""],
);
const SHORT_RANGES = ["today", "yesterday", "2d", "3d"];

/** A range by its name, or one around the moment: from a time or a date to another, or until now. */
function rangeAround(momentMs: number, isShort: boolean): fc.Arbitrary<Range> {
  const maxMs = (isShort ? 24 : 24 * 40) * HOUR_MS;
  // At quarters of an hour, or a little after.
  const length = fc
    .tuple(fc.integer({ min: 1, max: (maxMs / HOUR_MS) * 4 }), fc.constantFrom(0, 0, 0, 1, 59_999, 421_337))
    .map(([quarters, moreMs]) => (quarters * HOUR_MS) / 4 + moreMs);
  const instants = fc.tuple(length, length).map(([beforeMs, lengthMs]) => {
    const fromMs = momentMs - beforeMs;
    return { from: new Date(fromMs).toISOString(), to: new Date(fromMs + lengthMs).toISOString() };
  });
  const named = isShort ? fc.constantFrom(...SHORT_RANGES) : namedRange;
  return fc.oneof(
    { weight: 4, arbitrary: named.map((range) => ({ range, from: "", to: "" })) },
    { weight: 2, arbitrary: instants.map((both) => ({ range: "", ...both })) },
    {
      weight: 2,
      arbitrary: instants.map(({ from, to }) => ({
        range: "",
        from: from.slice(0, 10),
        to: to.slice(0, 10),
      })),
    },
    instants.map(({ from }) => ({ range: "", from, to: "" })),
  );
}

/** The metrics asked for, without those that have no meaning for one of the dimensions. */
function metricsFor(dimensions: readonly string[]): fc.Arbitrary<string[]> {
  const isOfSingleEvents = dimensions.some(
    (name) => DIMENSIONS_OF_SINGLE_EVENTS.includes(name) || name.startsWith("props."),
  );
  const possible = METRICS.filter((name) => !(isOfSingleEvents && METRICS_OF_WHOLE_VISITS.includes(name)));
  return fc.shuffledSubarray([...possible], { minLength: 1 }).map((metrics) => metrics.slice(0, 10));
}

const dimensions: fc.Arbitrary<string[]> = fc
  .tuple(
    fc.option(fc.constantFrom(...TIME_UNITS.map((unit) => `time:${unit}`)), { nil: undefined, freq: 2 }),
    fc.oneof(fc.constant<string[]>([]), fc.uniqueArray(textDimension, { minLength: 1, maxLength: 3 })),
    fc.nat(3),
  )
  .map(([time, texts, place]) => (time === undefined ? texts : texts.toSpliced(place, 0, time)));

function orderOf(keys: readonly string[]): fc.Arbitrary<{ key: string; descending: boolean }[]> {
  const order = fc
    .shuffledSubarray([...keys], { minLength: 1, maxLength: Math.min(3, keys.length) })
    .chain((chosen) =>
      fc.tuple(...chosen.map((key) => fc.record({ key: fc.constant(key), descending: fc.boolean() }))),
    );
  return fc.oneof(fc.constant<{ key: string; descending: boolean }[]>([]), order);
}

/** A question to a dataset around `momentMs`, of the zone `timeZone` more often than of others. */
export function question(momentMs: number, timeZone: string): fc.Arbitrary<Question> {
  return dimensions.chain((names) =>
    metricsFor(names).chain((metrics) =>
      fc
        .record({
          range: rangeAround(momentMs, names.includes("time:minute")),
          filter: fc.option(filter, { nil: undefined, freq: 2 }),
          timeZone: fc.oneof({ weight: 2, arbitrary: fc.constant(timeZone) }, fc.constantFrom(...ZONES)),
          currency: fc.constantFrom(...CURRENCIES),
          includeBots: fc.boolean(),
          comparison: fc.constantFrom(
            Comparison.UNSPECIFIED,
            Comparison.PREVIOUS_PERIOD,
            Comparison.PREVIOUS_YEAR,
          ),
          orderBy: orderOf([...metrics, ...names]),
          limit: fc.constantFrom(0, 0, 1, 7, 10_000),
          offset: fc.constantFrom(0, 0, 1, 5),
          siteId: fc.oneof(
            { weight: 20, arbitrary: fc.constant(SITES[0]) },
            fc.constantFrom(SITES[1], "nowhere"),
          ),
          goal: filter,
          afterMs: fc.integer({ min: -12 * HOUR_MS, max: 36 * HOUR_MS }),
        })
        .map(({ range, goal, afterMs, currency, comparison, filter, ...rest }) => ({
          request: create(QueryStatsRequestSchema, {
            ...rest,
            ...range,
            ...(filter && { filter }),
            metrics,
            dimensions: names,
            currency: metrics.includes("revenue") ? currency : "",
            goal: metrics.includes("conversion_rate") ? GOAL : "",
            comparison: isEndless(range) ? Comparison.UNSPECIFIED : comparison,
          }),
          goal,
          afterMs,
        })),
    ),
  );
}

/** Whether a range has no beginning, so that there is nothing before it to compare it with. */
function isEndless({ range, from }: Range): boolean {
  return from === "" && (range === "" || range === "all");
}
