// Collects the rows of a site that a batch brings, as chunks that are to be stored.

import { ownCopy } from "../buffers.ts";
import { pack } from "../columns/chunk.ts";
import { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { NewChunk } from "./changes.ts";
import type { ChunkKind, ChunkSizes } from "./chunks.ts";

export class NewChunks {
  readonly #kind: ChunkKind;
  readonly #site: number;
  readonly #sizes: ChunkSizes;
  #full: NewChunk[] = [];
  #builder: ChunkBuilder | undefined;

  constructor(kind: ChunkKind, site: number, sizes: ChunkSizes) {
    this.#kind = kind;
    this.#site = site;
    this.#sizes = sizes;
  }

  /** Where the next row is to be put. */
  builder(): ChunkBuilder {
    const builder = this.#builder;
    if (builder && builder.rows < this.#sizes.most && builder.characters < this.#sizes.texts) return builder;
    this.#close();
    this.#builder = new ChunkBuilder();
    return this.#builder;
  }

  /** What was put there, in order. */
  take(): readonly NewChunk[] {
    this.#close();
    const chunks = this.#full;
    this.#full = [];
    return chunks;
  }

  #close(): void {
    const builder = this.#builder;
    this.#builder = undefined;
    if (!builder || builder.rows === 0) return;
    const { rows, characters } = builder;
    const packed = ownCopy(pack(builder.columns()));
    this.#full.push({ kind: this.#kind, site: this.#site, rows, characters, packed });
  }
}
