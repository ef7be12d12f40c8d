// The rows of sessions once more, as chunks.

import type { NewChunk, SessionColumns } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";

/** The sessions of each site, which follow each other: what they are, and so only the rows of their last days. */
export function* sessionChunks(columns: SessionColumns, sizes: ChunkSizes): Iterable<NewChunk> {
  const { numbers, entryPaths, exitPaths } = columns;
  const [sites = NONE, , , sessions = NONE, starts = NONE, ends = NONE, events = NONE, pageviews = NONE] =
    numbers;
  let chunks: NewChunks | undefined;
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
    const place = builder.addRow();
    builder.integers("number").set(place, sessions[row] ?? 0);
    builder.numbers("start").set(place, startMs);
    builder.numbers("end").set(place, ends[row] ?? 0);
    builder.integers("events").set(place, events[row] ?? 0);
    builder.integers("pageviews").set(place, pageviews[row] ?? 0);
    if (pageviews[row] === 0) continue;
    const entry = entryPaths[row] ?? "";
    builder.texts("entry").set(place, entry);
    builder.texts("exit").set(place, exitPaths[row] ?? entry);
  }
  if (chunks) yield* chunks.take();
}

const NONE = new Float64Array();
