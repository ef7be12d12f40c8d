// Plans and events for tests that say only what matters to them.

import { create } from "@bufbuild/protobuf";
import { type Filter, FilterSchema } from "../../../gen/ts/analytics/v1/query_pb.ts";
import type { RecordedEvent } from "../../../src/log/records.ts";
import type { Period } from "../../../src/query/plan.ts";
import type { OraclePlan } from "./question.ts";
import type { ExportedEvent } from "./tables.ts";

const ALWAYS: Period = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };

/** What is given, and of the rest the simplest: all page views and events of "site" for all time. */
export function plan(given: Partial<OraclePlan>): OraclePlan {
  return {
    siteId: "site",
    metrics: ["events"],
    dimensions: [],
    filter: undefined,
    goal: undefined,
    currency: undefined,
    includeBots: false,
    period: ALWAYS,
    compared: undefined,
    timeZone: "UTC",
    order: (given.dimensions ?? []).map((_, index) => ({ by: "dimension", index, descending: false })),
    limit: Number.POSITIVE_INFINITY,
    offset: 0,
    ...given,
  };
}

/** A log of page views of "ada" on "/", but for what is given. */
export function log(given: readonly Partial<RecordedEvent>[]): ExportedEvent[] {
  return given.map((event, offset) => ({
    offset,
    siteId: "site",
    eventType: "page_view",
    path: "/",
    userId: "ada",
    timestamp: "2025-06-30T12:00:00Z",
    id: { case: "serverEventId", value: new Uint8Array(16) },
    receivedAtMs: BigInt(offset),
    ...event,
  }));
}

/** A filter by one condition. */
export function where(dimension: string, operator: string, ...values: string[]): Filter {
  return create(FilterSchema, { kind: { case: "condition", value: { dimension, operator, values } } });
}

/** From one time of RFC 3339 to another. */
export function period(from: string, to: string): Period {
  return { fromMs: Date.parse(from), toMs: Date.parse(to) };
}
