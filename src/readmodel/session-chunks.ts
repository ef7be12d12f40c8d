// The sessions that a batch changed, as chunks of their sites.

import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NumberValues, TextValues } from "../columns/column-values.ts";
import type { NewChunk, SessionColumns } from "./changes.ts";
import type { ChunkSizes } from "./chunks.ts";
import { NewChunks } from "./new-chunks.ts";

/** The places of what is in them among the columns of numbers (changes.ts). */
const [SITE, NUMBER, START, END, EVENTS, PAGEVIEWS] = [0, 3, 4, 5, 6, 7];

export function sessionChunks({ ofOneView, others }: SessionColumns, sizes: ChunkSizes): NewChunk[] {
  const chunks = new ChunksOfSites(sizes);
  const { paths } = ofOneView;
  for (let row = 0; row < paths.length; row += 1) {
    chunks.of(ofOneView.numbers[SITE]?.[row] ?? 0).addOneView(ofOneView.numbers, row, paths[row] ?? "");
  }
  for (let row = 0; row < others.entryPaths.length; row += 1) {
    // A row of a period before the last says nothing.
    if (Number.isNaN(others.numbers[START]?.[row])) continue;
    chunks.of(others.numbers[SITE]?.[row] ?? 0).add(others, row);
  }
  return chunks.take();
}

class ChunksOfSites {
  readonly #sizes: ChunkSizes;
  readonly #sites = new Map<number, NewChunks>();
  #site = 0;
  #chunks: NewChunks | undefined;
  #chunk: SessionChunk | undefined;

  constructor(sizes: ChunkSizes) {
    this.#sizes = sizes;
  }

  /** Where the next session of a site is to be put. */
  of(site: number): SessionChunk {
    if (site !== this.#site || !this.#chunks) {
      this.#site = site;
      this.#chunks = this.#chunksOf(site);
    }
    const builder = this.#chunks.builder();
    if (this.#chunk?.builder !== builder) this.#chunk = new SessionChunk(builder);
    return this.#chunk;
  }

  take(): NewChunk[] {
    return [...this.#sites.values()].flatMap((chunks) => chunks.take());
  }

  #chunksOf(site: number): NewChunks {
    let chunks = this.#sites.get(site);
    if (!chunks) {
      chunks = new NewChunks("session", site, this.#sizes);
      this.#sites.set(site, chunks);
    }
    return chunks;
  }
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

  addOneView(columns: readonly Float64Array[], of: number, path: string): void {
    const start = columns[START]?.[of] ?? 0;
    const row = this.#addRow(columns[NUMBER]?.[of] ?? 0, start, start);
    this.#events.set(row, 1);
    this.#pageviews.set(row, 1);
    this.#entries.set(row, path);
  }

  add({ numbers, entryPaths, exitPaths }: SessionColumns["others"], of: number): void {
    const row = this.#addRow(numbers[NUMBER]?.[of] ?? 0, numbers[START]?.[of] ?? 0, numbers[END]?.[of] ?? 0);
    const pageviews = numbers[PAGEVIEWS]?.[of] ?? 0;
    this.#events.set(row, numbers[EVENTS]?.[of] ?? 0);
    this.#pageviews.set(row, pageviews);
    if (pageviews === 0) return;
    const entry = entryPaths[of] ?? "";
    const exit = exitPaths[of] ?? entry;
    this.#entries.set(row, entry);
    if (exit === entry) return;
    this.#moved.set(row, 1);
    this.#exits.set(row, exit);
  }

  #addRow(number: number, start: number, end: number): number {
    const row = this.builder.addRow();
    this.#numbers.set(row, number);
    this.#starts.set(row, start);
    this.#ends.set(row, end);
    return row;
  }
}
