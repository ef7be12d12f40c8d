// Counts the events of groups, and makes the metrics of the counts.

import type { TextColumn } from "../columns/column.ts";
import { VIEW } from "../projector/page-view.ts";
import { type Distinct, distinct, type Membership } from "./distinct.ts";
import { Memberships, type Selected } from "./memberships.ts";
import type { Metric } from "./plan.ts";
import type { RowTest } from "./row-test.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { ChunkSummary } from "./site-events.ts";

/** What the rows of a chunk are counted by. Where a column is undefined, all its rows are 0. */
export interface Counted {
  readonly visitors: Uint32Array | undefined;
  readonly sessions: () => Uint32Array | undefined;
  readonly types: TextColumn | undefined;
  /** The event's revenue in the currency asked for, in millionths. */
  readonly revenueMicros: (row: number) => number;
  readonly isGoal: RowTest;
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
  readonly #memberships = new Memberships();
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
    return this.#count("events", group);
  }

  add(selected: Selected, counted: Counted): void {
    this.#makeRoom(highestOf(selected) + 1);
    const { visitors, sessions, types, isGoal } = counted;
    countEvents(selected, this.#counts.get("events"));
    countViews(selected, this.#counts.get("pageviews"), types);
    this.#addDistinct("visitors", this.#visitors, () => this.#memberships.of(selected, visitors));
    this.#addSessions(() => this.#memberships.of(selected, sessions()));
    this.#addRevenue(selected, counted);
    this.#addDistinct("converted", this.#converted, () => this.#memberships.of(selected, visitors, isGoal));
  }

  /** Adds a chunk's events, without bots, to a group. The metrics are those of addsUp(). `sessions` are the distinct ones. */
  addSummary(summary: ChunkSummary, sessions: () => Uint32Array, group: number): void {
    this.#makeRoom(group + 1);
    const addTo = (name: Count, by: number) => {
      const counts = this.#counts.get(name);
      if (counts) increase(counts, group, by);
    };
    addTo("events", summary.events);
    addTo("pageviews", summary.pageviews);
    this.#addDistinct("visitors", this.#visitors, () => this.#memberships.allIn(group, summary.visitors()));
    this.#addSessions(() => this.#memberships.allIn(group, sessions()));
  }

  /** Ends the counting; the counts stay. */
  release(): void {
    for (const seen of [this.#visitors, this.#sessions, this.#converted]) seen?.release();
  }

  /** The metrics of a group, in their order. */
  metrics(group: number): number[] {
    return this.#metrics.map((metric) => this.#metric(metric, group));
  }

  /** A metric of all groups, by group. */
  metricOfAll(index: number): Float64Array {
    const metric = this.#metrics[index];
    const values = new Float64Array(this.#groups);
    if (metric === undefined) return values;
    for (let group = 0; group < values.length; group += 1) values[group] = this.#metric(metric, group);
    return values;
  }

  #metric(metric: Metric, group: number): number {
    switch (metric) {
      case "views_per_visit":
        return ratio(this.#count("pageviews", group), this.#count("visits", group));
      case "bounce_rate":
        return ratio(this.#count("bounces", group), this.#count("visits", group));
      case "visit_duration":
        return ratio(this.#count("durationMs", group), this.#count("visits", group) * 1000);
      case "revenue":
        // One division, so that the result is the number next to the exact one, as long as the sum is below 2^53.
        return (this.#count("revenueUnits", group) * MICROS + this.#count("revenueMicros", group)) / MICROS;
      case "conversion_rate":
        return ratio(this.#count("converted", group), this.#count("visitors", group));
      default:
        return this.#count(metric, group);
    }
  }

  #count(name: Count, group: number): number {
    return this.#counts.get(name)?.[group] ?? 0;
  }

  #makeRoom(groups: number): void {
    this.#groups = Math.max(this.#groups, groups);
    for (const [name, counts] of this.#counts) this.#counts.set(name, withRoom(counts, this.#groups));
  }

  #addDistinct(name: Count, seen: Distinct | undefined, members: () => Membership): void {
    const counts = this.#counts.get(name);
    if (counts && seen) this.#countFresh(members(), counts, seen);
  }

  #addSessions(members: () => Membership): void {
    const visits = this.#counts.get("visits");
    if (!visits || !this.#sessions) return;
    const sessions = members();
    const fresh = this.#countFresh(sessions, visits, this.#sessions);
    const bounces = this.#counts.get("bounces");
    const durations = this.#counts.get("durationMs");
    if (!bounces && !durations) return;
    for (const at of fresh) {
      const group = sessions.groups[at] ?? 0;
      const session = sessions.members[at] ?? 0;
      if (bounces) increase(bounces, group, this.#facts.bounce(session));
      if (durations) increase(durations, group, this.#facts.durationMs(session));
    }
  }

  /** Counts the members that are new in their groups; their places. */
  #countFresh(members: Membership, counts: Float64Array, seen: Distinct): Uint32Array {
    const fresh = this.#memberships.fresh(members, seen);
    countIn(members.groups, fresh, counts);
    return fresh;
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
      increase(units, groups[at] ?? 0, whole);
      increase(micros, groups[at] ?? 0, revenue - whole * MICROS);
    }
  }
}

/** Whether the metrics of some chunks together are made of the chunks' summaries. */
export function addsUp(metrics: readonly Metric[]): boolean {
  return !metrics.includes("revenue") && !metrics.includes("conversion_rate");
}

// Each of the loops below is a function of its own, so that it is compiled for the arrays that it has.

function highestOf({ count, groups }: Selected): number {
  let highest = -1;
  for (let at = 0; at < count; at += 1) {
    const group = groups[at] ?? 0;
    if (group > highest) highest = group;
  }
  return highest;
}

function countEvents({ count, groups }: Selected, counts: Float64Array | undefined): void {
  if (!counts) return;
  for (let at = 0; at < count; at += 1) increase(counts, groups[at] ?? 0, 1);
}

function countViews(
  { count, rows, groups }: Selected,
  counts: Float64Array | undefined,
  types: TextColumn | undefined,
): void {
  const view = types?.dictionary.indexOf(VIEW) ?? -1;
  if (!counts || !types || view < 0) return;
  const { codes } = types;
  for (let at = 0; at < count; at += 1) {
    if (codes[rows[at] ?? 0] === view) increase(counts, groups[at] ?? 0, 1);
  }
}

function countIn(groups: Uint32Array, places: Uint32Array, counts: Float64Array): void {
  for (let at = 0; at < places.length; at += 1) increase(counts, groups[places[at] ?? 0] ?? 0, 1);
}

function increase(counts: Float64Array, group: number, by: number): void {
  counts[group] = (counts[group] ?? 0) + by;
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
