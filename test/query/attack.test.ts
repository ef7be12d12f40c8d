// Answers depend on the events that can be folded, and on nothing else: not on batches, restarts of the projector, or events
// that cannot be folded and stand in the middle of a batch.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { answer } from "../../src/query/engine.ts";
import type { Answer } from "../../src/query/plan.ts";
import { planQuery } from "../../src/query/request.ts";
import { StoredEvents } from "../../src/query/stored-events.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, type LoggedWithTimestamp, logged, partOf } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const HALF_HOUR_MS = 30 * 60_000;
const STARTS_MS = ["2025-11-12T23:30:00Z", "1969-12-31T23:30:00Z", "0000-01-01T00:00:00Z"].map((text) =>
  Date.parse(text),
);
/** Small, and never full within a batch. */
const CHUNK_SIZES = { large: 60, most: 10_000, small: 4, texts: 1_000_000 };
/** A session cannot be written with it, so an event of a visitor that has it is poison. */
const NO_TIME = Number.NaN;

const step = fc.record({
  user: fc.constantFrom("", "ada", "bob"),
  path: fc.constantFrom("/", "/a", "/b"),
  type: fc.constantFrom("page_view", "page_view", "signup"),
  halfHours: fc.nat(200),
  offByMs: fc.integer({ min: 0, max: 2 }),
  isBot: fc.boolean(),
  isPoison: fc.nat(40).map((die) => die === 0),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const batches = fc.array(
  fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 60 }),
    isRestartedAfter: fc.nat(5).map((die) => die === 0),
  }),
  { minLength: 1, maxLength: 12 },
);

test("answers do not depend on batches, restarts and dead letters", () => {
  fc.assert(
    fc.property(fc.constantFrom(...STARTS_MS), batches, (startMs, parts) => {
      const all = eventsOf(
        parts.flatMap(({ steps }) => steps),
        startMs,
      );
      const inPieces = new Model();
      let at = 0;
      for (const { steps, isRestartedAfter } of parts) {
        inPieces.apply(all.slice(at, at + steps.length), at, at + steps.length);
        at += steps.length;
        if (isRestartedAfter) inPieces.restart();
      }
      const atOnce = new Model();
      const good = all.filter(({ timeMs }) => !Number.isNaN(timeMs));
      atOnce.apply(good, 0, all.length);
      expect(inPieces.answers()).toEqual(atOnce.answers());
      expect(inPieces.deadLetters).toBe(all.length - good.length);
      inPieces.close();
      atOnce.close();
    }),
    { numRuns: 40 },
  );
});

function eventsOf(steps: readonly Step[], startMs: number): LoggedWithTimestamp[] {
  const given = steps.map(({ user, path, type, isBot }) => ({ user, path, type, more: { isBot } }));
  return logged(given).map((one, index) => {
    const { halfHours = 0, offByMs = 0, isPoison = false } = steps[index] ?? {};
    const timeMs = startMs + halfHours * (HALF_HOUR_MS / 2) + offByMs;
    const timestamp = new Date(timeMs).toISOString();
    const event = { ...one, timestamp, timeMs };
    return isPoison ? { ...event, userId: "ada", timeMs: NO_TIME } : event;
  });
}

class Model {
  readonly #directory = temporaryDirectory();
  readonly #stored = new StoredEvents(this.#directory, 1024 * 1024);
  #writer = this.#open();

  constructor() {
    publishGeneration(this.#directory, 1);
  }

  get deadLetters(): number {
    return this.#writer.deadLetters;
  }

  apply(events: readonly LoggedWithTimestamp[], firstOffset: number, next: number): void {
    this.#writer.apply({ firstOffset, parts: [partOf(events)] }, after(next));
  }

  restart(): void {
    this.#writer.close();
    this.#writer = this.#open();
  }

  answers(): Answer[] {
    const ask = (dimensions: string[], includeBots: boolean) => {
      const metrics = ["visitors", "visits", "pageviews", "events"];
      const ofVisits = ["views_per_visit", "bounce_rate", "visit_duration"];
      const request = create(QueryStatsRequestSchema, {
        ...{ siteId: "site", dimensions, includeBots, limit: 1000 },
        metrics: [...metrics, ...ofVisits],
      });
      return this.#stored.snapshot("site", (events) => {
        const planned = planQuery(request, { nowMs: 0, timeZone: "UTC", goal: () => undefined });
        if (!planned.ok) throw new Error(planned.reason);
        return answer(planned.plan, events, () => {});
      });
    };
    return [[], ["time:day"], ["path"], ["entry_page", "exit_page"]].flatMap((dimensions) => [
      ask(dimensions, false),
      ask(dimensions, true),
    ]);
  }

  close(): void {
    this.#stored.close();
    this.#writer.close();
  }

  #open(): ReadModelWriter {
    const path = generationPath(this.#directory, 1);
    return new ReadModelWriter(path, { dedupeWindowMs: 1000 }, CHUNK_SIZES);
  }
}
