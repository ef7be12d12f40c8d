// Collects the events of a site that a batch brings, as chunks.

import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NumberValues, TextValues } from "../columns/column-values.ts";
import { DETAIL_COLUMNS } from "../projector/detail-texts.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventDetails } from "../projector/event-details.ts";
import type { NewChunk } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";
import type { Belonging } from "./sessions.ts";

/** The columns that all events have, and the one that tells who is counted. */
class EventChunk {
  readonly builder: ChunkBuilder;
  readonly times: NumberValues<Float64Array>;
  readonly visitors: NumberValues<Uint32Array>;
  readonly sessions: NumberValues<Uint32Array>;
  readonly types: TextValues;
  readonly paths: TextValues;
  readonly bots: NumberValues<Uint32Array>;
  /** Those of details, by their fields, as far as an event has one. */
  readonly #details: (TextValues | undefined)[] = DETAIL_COLUMNS.map(() => undefined);

  constructor(builder: ChunkBuilder) {
    this.builder = builder;
    this.times = builder.numbers("time");
    this.visitors = builder.integers("visitor");
    this.sessions = builder.integers("session");
    this.types = builder.texts("event_type");
    this.paths = builder.texts("path");
    this.bots = builder.integers("bot");
  }

  add(event: LoggedEvent, { visitor, session }: Belonging): void {
    const row = this.builder.addRow();
    this.times.set(row, event.timeMs);
    this.visitors.set(row, visitor);
    this.sessions.set(row, session);
    this.types.set(row, event.eventType);
    this.paths.set(row, event.path, event.pathHash);
    if (event.more) this.#addDetails(row, event.more);
  }

  #addDetails(row: number, { texts, first, end, revenueMicros, isBot }: EventDetails): void {
    for (let place = first; place < end; place += 1) {
      this.#detailsOf(texts.fieldAt(place)).set(row, texts.textAt(place), texts.hashAt(place));
    }
    if (revenueMicros !== 0) this.builder.numbers("revenue").set(row, revenueMicros);
    if (isBot) this.bots.set(row, 1);
  }

  #detailsOf(field: number): TextValues {
    const known = this.#details[field];
    if (known) return known;
    const column = DETAIL_COLUMNS[field];
    if (!column) throw new Error(`field ${field} of an event has no column`);
    const values = this.builder.texts(column);
    this.#details[field] = values;
    return values;
  }
}

export class EventChunks {
  readonly #chunks: NewChunks;
  #chunk: EventChunk | undefined;

  constructor(site: number, sizes: ChunkSizes) {
    this.#chunks = new NewChunks("event", site, sizes);
  }

  add(event: LoggedEvent, belonging: Belonging): void {
    const builder = this.#chunks.builder();
    if (this.#chunk?.builder !== builder) this.#chunk = new EventChunk(builder);
    this.#chunk.add(event, belonging);
  }

  /** What was added, in order. */
  take(): readonly NewChunk[] {
    this.#chunk = undefined;
    return this.#chunks.take();
  }
}
