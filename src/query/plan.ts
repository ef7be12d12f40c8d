// A question, checked and resolved: what the engine (engine.ts) answers without looking at a clock or a setting.

export const METRICS = [
  "visitors",
  "visits",
  "pageviews",
  "events",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
  "revenue",
  "conversion_rate",
] as const;
export type Metric = (typeof METRICS)[number];

export const TIME_UNITS = ["minute", "hour", "day", "week", "month"] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** What an event has itself; all are texts, and empty where the event lacks them. */
export const EVENT_DIMENSIONS = [
  "path",
  "event_type",
  "hostname",
  "title",
  "source",
  "referrer",
  "channel",
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_term",
  "utm_content",
  "browser",
  "os",
  "device",
  "country",
  "region",
  "language",
] as const;
export type EventDimension = (typeof EVENT_DIMENSIONS)[number];

/** What the visit of an event has: the path of its first and of its last page view. Empty where there is no visit. */
export const VISIT_DIMENSIONS = ["entry_page", "exit_page"] as const;
type VisitDimension = (typeof VISIT_DIMENSIONS)[number];

/** A dimension whose values are texts. */
export type TextDimension =
  | { readonly kind: "event"; readonly name: EventDimension }
  | { readonly kind: "visit"; readonly name: VisitDimension }
  | { readonly kind: "prop"; readonly key: string };

export type Dimension = { readonly kind: "time"; readonly unit: TimeUnit } | TextDimension;

/** `passes` is asked once for each value of the dimension, not for each event. */
export type FilterNode =
  | {
      readonly kind: "condition";
      readonly dimension: TextDimension;
      readonly passes: (value: string) => boolean;
    }
  | { readonly kind: "and" | "or"; readonly filters: readonly FilterNode[] }
  | { readonly kind: "not"; readonly filter: FilterNode };

/** From `fromMs` up to and without `toMs`, in ms since 1970-01-01T00:00:00Z; infinite where it has no bound. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface OrderKey {
  /** A metric or a dimension of the plan, by its place there. */
  readonly by: "metric" | "dimension";
  readonly index: number;
  readonly descending: boolean;
}

export interface Plan {
  readonly siteId: string;
  readonly metrics: readonly Metric[];
  readonly dimensions: readonly Dimension[];
  readonly filter: FilterNode | undefined;
  /** The events that the goal is made of; defined when the conversion rate is asked for. */
  readonly goal: FilterNode | undefined;
  /** Defined when revenue is asked for. */
  readonly currency: string | undefined;
  readonly includeBots: boolean;
  readonly period: Period;
  readonly compared: Period | undefined;
  /** An IANA time zone that this runtime knows. */
  readonly timeZone: string;
  /** Complete: with the dimensions that order what is still equal. */
  readonly order: readonly OrderKey[];
  readonly limit: number;
  readonly offset: number;
}

export interface AnswerRow {
  /** The texts of QueryRow.dimensions. */
  readonly dimensions: readonly string[];
  readonly metrics: readonly number[];
  /** Empty when nothing is compared. */
  readonly compared: readonly number[];
}

export interface Answer {
  readonly rows: readonly AnswerRow[];
  /** How many rows there are before limit and offset. */
  readonly rowCount: number;
}
