// The sessions of a site that a batch changed, as chunks.

import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NumberValues, TextValues } from "../columns/column-values.ts";
import { endOf, type Session } from "../projector/session.ts";
import type { NewChunk } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";

export function sessionChunks(
  site: number,
  sessions: readonly Session[],
  sizes: ChunkSizes,
): readonly NewChunk[] {
  const chunks = new NewChunks("session", site, sizes);
  let chunk: SessionChunk | undefined;
  for (const session of sessions) {
    const builder = chunks.builder();
    if (chunk?.builder !== builder) chunk = new SessionChunk(builder);
    chunk.add(session);
  }
  return chunks.take();
}

class SessionChunk {
  readonly builder: ChunkBuilder;
  readonly #numbers: NumberValues<Uint32Array>;
  readonly #starts: NumberValues<Float64Array>;
  readonly #ends: NumberValues<Float64Array>;
  readonly #events: NumberValues<Uint32Array>;
  readonly #pageviews: NumberValues<Uint32Array>;
  readonly #entries: TextValues;
  readonly #moved: NumberValues<Uint32Array>;
  readonly #exits: TextValues;

  constructor(builder: ChunkBuilder) {
    this.builder = builder;
    this.#numbers = builder.integers("number");
    this.#starts = builder.numbers("start");
    this.#ends = builder.numbers("end");
    this.#events = builder.integers("events");
    this.#pageviews = builder.integers("pageviews");
    this.#entries = builder.texts("entry");
    this.#moved = builder.integers("moved");
    this.#exits = builder.texts("exit");
  }

  add(session: Session): void {
    const row = this.builder.addRow();
    this.#numbers.set(row, session.number);
    this.#starts.set(row, session.startMs);
    this.#ends.set(row, endOf(session));
    this.#events.set(row, session.events);
    this.#pageviews.set(row, session.pageviews);
    if (session.pageviews === 0) return;
    this.#entries.set(row, session.entryPath);
    if (session.exitPath === session.entryPath) return;
    this.#moved.set(row, 1);
    this.#exits.set(row, session.exitPath);
  }
}
