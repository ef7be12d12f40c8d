// Counts the events of groups, and makes the metrics of the counts.

import { type Distinct, distinct } from "./distinct.ts";
import type { Metric } from "./plan.ts";
import type { SessionFacts } from "./session-facts.ts";

/** Some events that pass, by their place in a chunk: `rows` and `groups` have one for each of them. */
export interface Selected {
  readonly count: number;
  readonly rows: Uint32Array;
  readonly groups: Uint32Array;
}

/** What the rows of a chunk are counted by. Where a column is undefined, all its rows are 0. */
export interface Counted {
  readonly visitors: Uint32Array | undefined;
  readonly sessionOf: (row: number) => number;
  readonly isView: (row: number) => boolean;
  /** The event's revenue in the currency asked for, in millionths. */
  readonly revenueMicros: (row: number) => number;
  readonly isGoal: (row: number) => boolean;
}

/** What a question's metrics are made of. */
type Count =
  | "events"
  | "pageviews"
  | "visitors"
  | "visits"
  | "bounces"
  | "durationMs"
  | "revenueUnits"
  | "revenueMicros"
  | "converted";

const NEEDS: Readonly<Record<Metric, readonly Count[]>> = {
  visitors: ["visitors"],
  visits: ["visits"],
  pageviews: ["pageviews"],
  events: [],
  views_per_visit: ["pageviews", "visits"],
  bounce_rate: ["visits", "bounces"],
  visit_duration: ["visits", "durationMs"],
  revenue: ["revenueUnits", "revenueMicros"],
  conversion_rate: ["visitors", "converted"],
};

const MICROS = 1_000_000;

export interface TallyOptions {
  readonly metrics: readonly Metric[];
  /** How many groups there are; infinite when it is not known before. */
  readonly groups: number;
  /** The highest numbers of visitors and sessions. */
  readonly visitors: number;
  readonly sessions: number;
  readonly facts: SessionFacts;
}

export class Tally {
  readonly #metrics: readonly Metric[];
  readonly #facts: SessionFacts;
  readonly #counts = new Map<Count, Float64Array>();
  readonly #visitors: Distinct | undefined;
  readonly #sessions: Distinct | undefined;
  readonly #converted: Distinct | undefined;
  #groups = 0;

  constructor({ metrics, groups, visitors, sessions, facts }: TallyOptions) {
    this.#metrics = metrics;
    this.#facts = facts;
    const needed = new Set<Count>(["events", ...metrics.flatMap((metric) => NEEDS[metric])]);
    for (const count of needed) this.#counts.set(count, new Float64Array(64));
    if (needed.has("visitors")) this.#visitors = distinct(groups, visitors);
    if (needed.has("visits")) this.#sessions = distinct(groups, sessions);
    if (needed.has("converted")) this.#converted = distinct(groups, visitors);
  }

  /** The groups that have events are below it. */
  get groups(): number {
    return this.#groups;
  }

  events(group: number): number {
    return this.#counts.get("events")?.[group] ?? 0;
  }

  add(selected: Selected, counted: Counted): void {
    const { count, groups } = selected;
    for (let at = 0; at < count; at += 1) this.#groups = Math.max(this.#groups, (groups[at] ?? 0) + 1);
    for (const [name, counts] of this.#counts) this.#counts.set(name, withRoom(counts, this.#groups));
    const events = this.#counts.get("events");
    if (events) for (let at = 0; at < count; at += 1) increase(events, groups[at], 1);
    this.#addViews(selected, counted);
    this.#addVisitors(selected, counted);
    this.#addSessions(selected, counted);
    this.#addRevenue(selected, counted);
    this.#addConverted(selected, counted);
  }

  /** The metrics of a group, in their order. */
  metrics(group: number): number[] {
    return this.#metrics.map((metric) => this.#metric(metric, group));
  }

  metric(index: number, group: number): number {
    const metric = this.#metrics[index];
    return metric === undefined ? 0 : this.#metric(metric, group);
  }

  #metric(metric: Metric, group: number): number {
    const of = (count: Count) => this.#counts.get(count)?.[group] ?? 0;
    switch (metric) {
      case "views_per_visit":
        return ratio(of("pageviews"), of("visits"));
      case "bounce_rate":
        return ratio(of("bounces"), of("visits"));
      case "visit_duration":
        return ratio(of("durationMs"), of("visits") * 1000);
      case "revenue":
        // One division, so that the result is the number next to the exact one, as long as the sum is below 2^53.
        return (of("revenueUnits") * MICROS + of("revenueMicros")) / MICROS;
      case "conversion_rate":
        return ratio(of("converted"), of("visitors"));
      default:
        return of(metric);
    }
  }

  #addViews({ count, rows, groups }: Selected, { isView }: Counted): void {
    const pageviews = this.#counts.get("pageviews");
    if (!pageviews) return;
    for (let at = 0; at < count; at += 1) if (isView(rows[at] ?? 0)) increase(pageviews, groups[at], 1);
  }

  #addVisitors({ count, rows, groups }: Selected, { visitors }: Counted): void {
    const counts = this.#counts.get("visitors");
    if (!counts || !visitors || !this.#visitors) return;
    for (let at = 0; at < count; at += 1) {
      const visitor = visitors[rows[at] ?? 0] ?? 0;
      const group = groups[at] ?? 0;
      if (visitor !== 0 && this.#visitors.add(group, visitor)) increase(counts, group, 1);
    }
  }

  #addSessions({ count, rows, groups }: Selected, { sessionOf }: Counted): void {
    const visits = this.#counts.get("visits");
    if (!visits || !this.#sessions) return;
    const bounces = this.#counts.get("bounces");
    const durations = this.#counts.get("durationMs");
    for (let at = 0; at < count; at += 1) {
      const session = sessionOf(rows[at] ?? 0);
      const group = groups[at] ?? 0;
      if (session === 0 || !this.#sessions.add(group, session)) continue;
      increase(visits, group, 1);
      if (bounces) increase(bounces, group, this.#facts.bounce(session));
      if (durations) increase(durations, group, this.#facts.durationMs(session));
    }
  }

  /** Whole units and the rest apart, so that the sums are exact: each is a whole number below 2^53. */
  #addRevenue({ count, rows, groups }: Selected, { revenueMicros }: Counted): void {
    const units = this.#counts.get("revenueUnits");
    const micros = this.#counts.get("revenueMicros");
    if (!units || !micros) return;
    for (let at = 0; at < count; at += 1) {
      const revenue = revenueMicros(rows[at] ?? 0);
      if (revenue === 0) continue;
      const whole = Math.trunc(revenue / MICROS);
      increase(units, groups[at], whole);
      increase(micros, groups[at], revenue - whole * MICROS);
    }
  }

  #addConverted({ count, rows, groups }: Selected, { isGoal, visitors }: Counted): void {
    const converted = this.#counts.get("converted");
    if (!converted || !visitors || !this.#converted) return;
    for (let at = 0; at < count; at += 1) {
      const row = rows[at] ?? 0;
      const visitor = visitors[row] ?? 0;
      const group = groups[at] ?? 0;
      if (visitor === 0 || !isGoal(row)) continue;
      if (this.#converted.add(group, visitor)) increase(converted, group, 1);
    }
  }
}

function increase(counts: Float64Array, group: number | undefined, by: number): void {
  counts[group ?? 0] = (counts[group ?? 0] ?? 0) + by;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function withRoom(counts: Float64Array, groups: number): Float64Array {
  if (groups <= counts.length) return counts;
  const wide = new Float64Array(Math.max(groups, counts.length * 2));
  wide.set(counts);
  return wide;
}
