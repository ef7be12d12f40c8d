import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { answer } from "../../src/query/engine.ts";
import { planQuery } from "../../src/query/request.ts";
import { type EventChunk, NO_EVENTS, type SiteEvents } from "../../src/query/site-events.ts";

const chunk: EventChunk = {
  ...{ rows: 2, firstMs: 0, lastMs: 1, times: () => Float64Array.of(0, 1) },
  ...{ revenueMicros: () => undefined, texts: () => undefined, summary: undefined },
  integers: (name) => (name === "session" ? Uint32Array.of(1, 2) : undefined),
};

function ask(metrics: string[], events: SiteEvents) {
  const request = create(QueryStatsRequestSchema, { siteId: "site", metrics, range: "all" });
  const planned = planQuery(request, { nowMs: 0, timeZone: "UTC", goal: () => undefined });
  if (!planned.ok) throw new Error(planned.reason);
  return answer(planned.plan, events, () => {}).rows.map((row) => row.metrics);
}

test("which sessions became part of others is asked once, by questions about visits only", () => {
  let asked = 0;
  const aliases = () => {
    asked += 1;
    return new Map([[1, 2]]);
  };
  const events = { ...NO_EVENTS, sessionCount: 2, chunks: [chunk, chunk], aliases };
  expect(ask(["events"], events)).toEqual([[4]]);
  expect(asked).toBe(0);
  expect(ask(["events", "visits"], events)).toEqual([[4, 1]]);
  expect(asked).toBe(1);
});
