// The rows of sessions once more, as chunks.

import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NumberValues, TextValues } from "../columns/column-values.ts";
import type { NewChunk, SessionColumns } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";

/** The sessions of each site, which follow each other: what they are, and so only the rows of their last days. */
export function* sessionChunks(columns: SessionColumns, sizes: ChunkSizes): Iterable<NewChunk> {
  const { numbers, entryPaths, exitPaths } = columns;
  const [sites = NONE, , , sessions = NONE, starts = NONE, ends = NONE, events = NONE, pageviews = NONE] =
    numbers;
  let chunks: NewChunks | undefined;
  let chunk: SessionChunk | undefined;
  let site = 0;
  for (let row = 0; row < sites.length; row += 1) {
    const startMs = starts[row] ?? Number.NaN;
    if (Number.isNaN(startMs)) continue;
    if (sites[row] !== site || !chunks) {
      if (chunks) yield* chunks.take();
      site = sites[row] ?? 0;
      chunks = new NewChunks("session", site, sizes);
    }
    const builder = chunks.builder();
    if (chunk?.builder !== builder) chunk = new SessionChunk(builder);
    const place = builder.addRow();
    chunk.numbers.set(place, sessions[row] ?? 0);
    chunk.starts.set(place, startMs);
    chunk.ends.set(place, ends[row] ?? 0);
    chunk.events.set(place, events[row] ?? 0);
    chunk.pageviews.set(place, pageviews[row] ?? 0);
    if (pageviews[row] === 0) continue;
    const entry = entryPaths[row] ?? "";
    chunk.entries.set(place, entry);
    chunk.exits.set(place, exitPaths[row] ?? entry);
  }
  if (chunks) yield* chunks.take();
}

const NONE = new Float64Array();

class SessionChunk {
  readonly builder: ChunkBuilder;
  readonly numbers: NumberValues<Uint32Array>;
  readonly starts: NumberValues<Float64Array>;
  readonly ends: NumberValues<Float64Array>;
  readonly events: NumberValues<Uint32Array>;
  readonly pageviews: NumberValues<Uint32Array>;
  readonly entries: TextValues;
  readonly exits: TextValues;

  constructor(builder: ChunkBuilder) {
    this.builder = builder;
    this.numbers = builder.integers("number");
    this.starts = builder.numbers("start");
    this.ends = builder.numbers("end");
    this.events = builder.integers("events");
    this.pageviews = builder.integers("pageviews");
    this.entries = builder.texts("entry");
    this.exits = builder.texts("exit");
  }
}
