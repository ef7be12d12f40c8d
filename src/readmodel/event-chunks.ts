// Collects the events of a site that a batch brings, as chunks.

import type { TextColumnName } from "../columns/chunk.ts";
import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NumberValues, TextValues } from "../columns/column-values.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventDetails } from "../projector/event-details.ts";
import type { NewChunk } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";
import type { Belonging } from "./sessions.ts";

const DETAILS = [
  ["hostname", "hostname"],
  ["title", "title"],
  ["language", "language"],
  ["source", "source"],
  ["referrer", "referrer"],
  ["channel", "channel"],
  ["utm_source", "utmSource"],
  ["utm_medium", "utmMedium"],
  ["utm_campaign", "utmCampaign"],
  ["utm_term", "utmTerm"],
  ["utm_content", "utmContent"],
  ["browser", "browser"],
  ["os", "os"],
  ["device", "device"],
  ["country", "country"],
  ["region", "region"],
  ["props", "props"],
  ["currency", "currency"],
] as const satisfies readonly (readonly [TextColumnName, keyof EventDetails])[];

/** The columns that all events have, and the one that tells who is counted. */
class EventChunk {
  readonly builder: ChunkBuilder;
  readonly times: NumberValues<Float64Array>;
  readonly visitors: NumberValues<Uint32Array>;
  readonly sessions: NumberValues<Uint32Array>;
  readonly types: TextValues;
  readonly paths: TextValues;
  readonly bots: NumberValues<Uint32Array>;

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

  #addDetails(row: number, more: EventDetails): void {
    for (const [column, key] of DETAILS) {
      if (more[key] !== "") this.builder.texts(column).set(row, more[key]);
    }
    if (more.revenueMicros !== 0) this.builder.numbers("revenue").set(row, more.revenueMicros);
    if (more.isBot) this.bots.set(row, 1);
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
