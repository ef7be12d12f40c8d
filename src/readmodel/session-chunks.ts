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
    builder.setInteger("number", place, sessions[row] ?? 0);
    builder.setNumber("start", place, startMs);
    builder.setNumber("end", place, ends[row] ?? 0);
    builder.setInteger("events", place, events[row] ?? 0);
    builder.setInteger("pageviews", place, pageviews[row] ?? 0);
    if (pageviews[row] === 0) continue;
    const entry = entryPaths[row] ?? "";
    builder.setText("entry", place, entry);
    builder.setText("exit", place, exitPaths[row] ?? entry);
  }
  if (chunks) yield* chunks.take();
}

const NONE = new Float64Array();
