// From a question as it was asked to a plan: checked, with all defaults. Pure; the contract is query.proto's comments.
//
// A reason to refuse a question names the field, says what is wrong with it, and what is possible.

import { Comparison, type Filter, type QueryStatsRequest } from "../../gen/ts/analytics/v1/query_pb.ts";
import { textProblem } from "../ingest/text.ts";
import { MAX_SITE_ID_BYTES } from "../ingest/validate.ts";
import { tooManyBuckets } from "./buckets.ts";
import { allChecked, type Checked, checked, duplicateOf, quoted, type Refused, refused } from "./checked.ts";
import { previousPeriod, previousYear } from "./comparison.ts";
import { dimensionOf } from "./dimensions.ts";
import { filterOf } from "./filters.ts";
import { meaningProblem } from "./meaning.ts";
import { limitOf, orderOf } from "./order.ts";
import { type Dimension, type FilterNode, METRICS, type Metric, type Period, type Plan } from "./plan.ts";
import { periodOf } from "./ranges.ts";
import { isTimeZone } from "./time-zones.ts";

const MAX_METRICS = 10;
const MAX_DIMENSIONS = 4;
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** What a question leaves to the time when it is asked and to its site. */
export interface QueryContext {
  readonly nowMs: number;
  /** The site's time zone; empty when it has none. */
  readonly timeZone: string;
  /** Which events one of the site's goals is made of; undefined when it has no goal of that name. */
  goal(name: string): Filter | undefined;
}

type PlannedQuery = { readonly ok: true; readonly plan: Plan } | Refused;

/** Checks and resolves a question. */
export function planQuery(request: QueryStatsRequest, context: QueryContext): PlannedQuery {
  const { siteId, includeBots, offset } = request;
  if (siteId === "") return refused("Missing required field: site_id");
  const problem = textProblem("site_id", siteId, MAX_SITE_ID_BYTES);
  if (problem !== undefined) return refused(problem);
  const groups = groupsOf(request);
  if (!groups.ok) return groups;
  const { metrics, dimensions } = groups.value;
  const filter = request.filter ? filterOf(request.filter, "filter") : checked(undefined);
  if (!filter.ok) return filter;
  const goal = goalOf(request.goal, metrics, context);
  if (!goal.ok) return goal;
  const currency = currencyOf(request.currency, metrics);
  if (!currency.ok) return currency;
  const time = timeOf(request, dimensions, context);
  if (!time.ok) return time;
  const order = orderOf(request, dimensions);
  if (!order.ok) return order;
  const limit = limitOf(request.limit, dimensions);
  if (!limit.ok) return limit;
  if (offset < 0) return refused(`offset is ${offset}; it must be 0 or more`);
  const plan: Plan = {
    ...{ siteId, metrics, dimensions, includeBots, offset, ...time.value },
    ...{ filter: filter.value, goal: goal.value, currency: currency.value },
    ...{ order: order.value, limit: limit.value },
  };
  return { ok: true, plan };
}

type Groups = Pick<Plan, "metrics" | "dimensions">;

/** What is computed, and for what. */
function groupsOf({ metrics: metricNames, dimensions: names }: QueryStatsRequest): Checked<Groups> {
  const problem =
    countProblem("metrics", metricNames, 1, MAX_METRICS) ??
    countProblem("dimensions", names, 0, MAX_DIMENSIONS);
  if (problem) return problem;
  const metrics = allChecked(metricNames, metricOf);
  if (!metrics.ok) return metrics;
  const dimensions = allChecked(names, (name, index) => dimensionOf(name, `dimensions[${index}]`));
  if (!dimensions.ok) return dimensions;
  const times = names.filter((_, index) => dimensions.value[index]?.kind === "time");
  if (times.length > 1) return refused(`dimensions has ${times.join(" and ")}; only one time is possible`);
  const meaningless = meaningProblem(metrics.value, dimensions.value, names);
  return meaningless ?? checked({ metrics: metrics.value, dimensions: dimensions.value });
}

function countProblem(
  field: string,
  names: readonly string[],
  least: number,
  most: number,
): Refused | undefined {
  if (names.length < least || names.length > most) {
    return refused(`${field} has ${names.length} names; it must have ${least} to ${most}`);
  }
  const twice = duplicateOf(names);
  return twice === undefined ? undefined : refused(`${field} has ${quoted(twice)} twice`);
}

function metricOf(name: string, index: number): Checked<Metric> {
  const metric = METRICS.find((known) => known === name);
  if (metric !== undefined) return checked(metric);
  return refused(`metrics[${index}] is the unknown metric ${quoted(name)}; known are ${METRICS.join(", ")}`);
}

/** The goal, when the conversion rate is asked for. */
function goalOf(
  name: string,
  metrics: readonly Metric[],
  context: QueryContext,
): Checked<FilterNode | undefined> {
  const isNeeded = metrics.includes("conversion_rate");
  if (name === "") {
    return isNeeded
      ? refused("goal is missing: metrics has conversion_rate, which is that of a goal")
      : checked(undefined);
  }
  if (!isNeeded)
    return refused("goal is given, but metrics does not have conversion_rate, the one that is of a goal");
  const goal = context.goal(name);
  if (goal) return filterOf(goal, `the filter of goal ${quoted(name)}`);
  return refused(`goal is ${quoted(name)}, but the site has no such goal: GetSite lists those that it has`);
}

/** The currency, when revenue is asked for. */
function currencyOf(currency: string, metrics: readonly Metric[]): Checked<string | undefined> {
  const isNeeded = metrics.includes("revenue");
  if (currency === "") {
    return isNeeded
      ? refused("currency is missing: metrics has revenue, which is the sum in one currency")
      : checked(undefined);
  }
  if (!isNeeded)
    return refused("currency is given, but metrics does not have revenue, the one that is in a currency");
  if (CURRENCIES.has(currency)) return checked(currency);
  return refused(
    `currency is ${quoted(currency)}; it must be a currency of ISO 4217 in upper case, such as EUR`,
  );
}

type Time = Pick<Plan, "period" | "compared" | "timeZone">;

/** Which time is looked at, and which it is compared with. */
function timeOf(
  request: QueryStatsRequest,
  dimensions: readonly Dimension[],
  context: QueryContext,
): Checked<Time> {
  const timeZone = request.timeZone || context.timeZone || "UTC";
  if (!isTimeZone(timeZone)) {
    return refused(
      `time_zone is ${quoted(timeZone)}; it must be the IANA name of a zone, such as Europe/Berlin or UTC`,
    );
  }
  const period = periodOf(request, context.nowMs, timeZone);
  if (!period.ok) return period;
  const compared = comparedOf(request.comparison, period.value, timeZone);
  if (!compared.ok) return compared;
  // A period without an end is as long as the events say, which the engine knows.
  const unit = dimensions.find((dimension) => dimension.kind === "time")?.unit;
  const tooMany = unit && isBounded(period.value) ? tooManyBuckets(unit, period.value) : undefined;
  if (tooMany !== undefined) return refused(`dimensions: ${tooMany}`);
  return checked({ period: period.value, compared: compared.value, timeZone });
}

function comparedOf(comparison: Comparison, period: Period, timeZone: string): Checked<Period | undefined> {
  if (comparison === Comparison.UNSPECIFIED) return checked(undefined);
  const move = MOVES.get(comparison);
  if (!move) {
    return refused(
      `comparison is the unknown ${comparison}; known are COMPARISON_PREVIOUS_PERIOD and COMPARISON_PREVIOUS_YEAR`,
    );
  }
  if (isBounded(period)) return checked(move(period, timeZone));
  return refused("comparison needs a range with a beginning: ask for a range other than all, or give from");
}

const MOVES: ReadonlyMap<Comparison, (period: Period, timeZone: string) => Period> = new Map([
  [Comparison.PREVIOUS_PERIOD, previousPeriod],
  [Comparison.PREVIOUS_YEAR, previousYear],
]);

function isBounded({ fromMs, toMs }: Period): boolean {
  return Number.isFinite(fromMs) && Number.isFinite(toMs);
}
