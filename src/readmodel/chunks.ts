// Chunks of columns (src/columns/), which questions are answered from.
//
// A batch leaves a small chunk for each site that it changes. When these are many, or together large, they become one;
// a large one is kept column by column and never touched again. So a site has few small chunks, and each row is written
// a few times in all. Rows keep their order, from chunk to chunk and within one.

import type { Database, Statement } from "better-sqlite3";
import { type ColumnName, type Columns, pack, unpack } from "../columns/chunk.ts";
import { ChunkBuilder } from "../columns/chunk-builder.ts";
import { decodeNumbers } from "../columns/column.ts";
import { summaryOf } from "../columns/summary.ts";
import type { NewChunk } from "./changes.ts";

export interface ChunkSizes {
  /** From so many rows on, a chunk is large: then to read it costs far more than to find it. */
  readonly large: number;
  /** A chunk of a batch has no more, and one of small ones together hardly more: to work through one is a matter of a few ms. */
  readonly most: number;
  /** So many small chunks of a site are put together. */
  readonly small: number;
  /** With so long texts it is large, and full, whatever its rows: in bytes or characters. */
  readonly texts: number;
}

export const CHUNK_SIZES: ChunkSizes = { large: 8192, most: 65_536, small: 64, texts: 4 * 1024 * 1024 };

/** What the rows of a chunk are. */
export type ChunkKind = "event" | "session";

/** By what chunks are found: the least and the greatest of this column are kept beside them. */
const KEYS = { event: "time", session: "number" } as const;

export class Chunks {
  readonly #sizes: ChunkSizes;
  readonly #small: Statement<[string, number], { id: number; rows: number; bytes: number }>;
  readonly #packed: Statement<[number], { packed: Buffer }>;
  readonly #remove: Statement<[number]>;
  readonly #addChunk: Statement<[string, number, number, number, number, Buffer | null]>;
  readonly #addColumn: Statement<[number | bigint, ColumnName, Buffer]>;
  readonly #addSummary: Statement<[number, number, number | bigint]>;

  constructor(database: Database, sizes: ChunkSizes) {
    this.#sizes = sizes;
    this.#small = database.prepare(`
      SELECT id, rows, length(packed) AS bytes FROM chunks INDEXED BY chunks_packed
      WHERE kind = +? AND site = +? AND packed IS NOT NULL ORDER BY id`);
    this.#packed = database.prepare("SELECT packed FROM chunks WHERE id = ?");
    this.#remove = database.prepare("DELETE FROM chunks WHERE id = ?");
    this.#addChunk = database.prepare(
      "INSERT INTO chunks (kind, site, rows, low, high, packed) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#addSummary = database.prepare("UPDATE chunks SET events = ?, pageviews = ? WHERE id = ?");
    this.#addColumn = database.prepare("INSERT INTO chunk_columns VALUES (?, ?, ?)");
  }

  /** Stores a chunk, with a higher id than all that are there: of a session, the last row counts. */
  add({ kind, site, rows: latestRows, characters, packed }: NewChunk): void {
    const small = this.#small.all(kind, site);
    const rows = small.reduce((sum, chunk) => sum + chunk.rows, latestRows);
    const bytes = small.reduce((sum, chunk) => sum + chunk.bytes, characters);
    const isLarge = rows >= this.#sizes.large || bytes >= this.#sizes.texts;
    const latest = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
    if (!isLarge && small.length < this.#sizes.small) {
      this.#put({ kind, site, rows: latestRows, columns: unpack(latest) }, latest);
      return;
    }
    const columns = small.length === 0 ? unpack(latest) : this.#together(small, unpack(latest));
    if (isLarge) this.#putLarge({ kind, site, rows, columns });
    else this.#put({ kind, site, rows, columns }, pack(columns));
  }

  /** Takes the small chunks out, and puts their rows and those of `latest` into one. */
  #together(small: readonly { readonly id: number }[], latest: Columns): Columns {
    const all = new ChunkBuilder();
    for (const { id } of small) {
      const packed = this.#packed.get(id)?.packed;
      if (packed) all.append(unpack(packed));
      this.#remove.run(id);
    }
    all.append(latest);
    return all.columns();
  }

  #putLarge(chunk: Chunk): void {
    const { kind, rows, columns } = chunk;
    const id = this.#put(chunk, null);
    for (const [name, bytes] of columns) this.#addColumn.run(id, name, bytes);
    if (kind === "session") return;
    const { events, pageviews, visitors, sessions } = summaryOf(columns, rows);
    this.#addSummary.run(events, pageviews, id);
    this.#addColumn.run(id, "distinct_visitors", visitors);
    this.#addColumn.run(id, "distinct_sessions", sessions);
  }

  #put({ kind, site, rows, columns }: Chunk, packed: Buffer | null): number | bigint {
    const { low, high } = rangeOf(columns.get(KEYS[kind]));
    return this.#addChunk.run(kind, site, rows, low, high, packed).lastInsertRowid;
  }
}

interface Chunk {
  readonly kind: ChunkKind;
  readonly site: number;
  readonly rows: number;
  readonly columns: Columns;
}

/** Of the numbers of a column; one that is left out has zeros. */
function rangeOf(column: Buffer | undefined): { low: number; high: number } {
  if (!column) return { low: 0, high: 0 };
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const values = decodeNumbers(column);
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
