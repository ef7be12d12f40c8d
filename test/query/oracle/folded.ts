// The engine over a read model that was folded from events: what Footfall answers.

import { RecordEncoder } from "../../../src/log/records.ts";
import { EventDecoder } from "../../../src/projector/event-decoder.ts";
import { answer } from "../../../src/query/engine.ts";
import { TooMuch } from "../../../src/query/limits.ts";
import { planQuery } from "../../../src/query/request.ts";
import { StoredEvents } from "../../../src/query/stored-events.ts";
import { generationPath, publishGeneration } from "../../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../../src/readmodel/writer.ts";
import { frameOf } from "../../log/records-fixture.ts";
import { after } from "../../projector/events.ts";
import { temporaryDirectory } from "../../temporary.ts";
import type { Engine } from "./agreement.ts";
import { GOAL } from "./questions.ts";
import type { ExportedEvent } from "./tables.ts";

/** Events that a batch has: few, so that sessions go on from batch to batch and small chunks are put together. */
const BATCH_EVENTS = 4;
/** Few as well: a site has large chunks and small ones. */
const CHUNK_SIZES = { large: 20, most: 3, small: 3, texts: 5_000 };
const CACHE_BYTES = 1024 * 1024;
const DEDUPE_WINDOW_MS = 7 * 86_400_000;

export function foldedEngine(events: readonly ExportedEvent[]): Engine {
  const directory = temporaryDirectory();
  const writer = new ReadModelWriter(
    generationPath(directory, 1),
    { dedupeWindowMs: DEDUPE_WINDOW_MS },
    CHUNK_SIZES,
  );
  publishGeneration(directory, 1);
  const encoder = new RecordEncoder();
  const decoder = new EventDecoder();
  for (let start = 0; start < events.length; start += BATCH_EVENTS) {
    const part = events.slice(start, start + BATCH_EVENTS);
    const parts = [...decoder.parts([frameOf(encoder.encode(part), start)])];
    writer.apply({ firstOffset: start, parts }, after(start + part.length));
  }
  const stored = new StoredEvents(directory, CACHE_BYTES);
  return {
    ask: ({ request, goal }, nowMs) =>
      stored.snapshot(request.siteId, (siteEvents) => {
        const planned = planQuery(request, {
          nowMs,
          timeZone: "UTC",
          goal: (name) => (name === GOAL ? goal : undefined),
        });
        if (!planned.ok) return undefined;
        try {
          return { plan: planned.plan, answer: answer(planned.plan, siteEvents, () => {}) };
        } catch (error) {
          if (error instanceof TooMuch) return undefined;
          throw error;
        }
      }),
    close: () => {
      stored.close();
      writer.close();
    },
  };
}
