// What the sessions of a site are as a whole, by their numbers: read in blocks when they are asked for.

import type { TextColumn } from "../columns/column.ts";
import type { SessionChunk, SiteEvents } from "./site-events.ts";
import { TextCodes } from "./text-codes.ts";

const BLOCK_SESSIONS = 65_536;

interface Block {
  readonly durationMs: Float64Array;
  /** 1 for a bounce: one page view and no other event. */
  readonly bounce: Uint8Array;
  /** Codes of their paths. */
  readonly entry: Uint32Array;
  readonly exit: Uint32Array;
}

export class SessionFacts {
  readonly #events: SiteEvents;
  readonly #blocks = new Map<number, Block>();
  /** The codes of their paths; 0 is the empty one, of an event without session. */
  readonly paths = new TextCodes();
  #chunks: readonly SessionChunk[] | undefined;
  #index = -1;
  #block: Block | undefined;

  constructor(events: SiteEvents) {
    this.#events = events;
    this.paths.codeOf("");
  }

  durationMs(session: number): number {
    return this.#blockOf(session).durationMs[session % BLOCK_SESSIONS] ?? 0;
  }

  bounce(session: number): number {
    return this.#blockOf(session).bounce[session % BLOCK_SESSIONS] ?? 0;
  }

  /** The code of the entry page's path in `paths`. */
  entry(session: number): number {
    return this.#blockOf(session).entry[session % BLOCK_SESSIONS] ?? 0;
  }

  exit(session: number): number {
    return this.#blockOf(session).exit[session % BLOCK_SESSIONS] ?? 0;
  }

  /** Sessions of events that follow each other mostly have numbers that do so. */
  #blockOf(session: number): Block {
    const index = Math.floor(session / BLOCK_SESSIONS);
    if (index === this.#index && this.#block) return this.#block;
    let block = this.#blocks.get(index);
    if (!block) {
      block = this.#read(index);
      this.#blocks.set(index, block);
    }
    this.#index = index;
    this.#block = block;
    return block;
  }

  #read(index: number): Block {
    const block: Block = {
      durationMs: new Float64Array(BLOCK_SESSIONS),
      bounce: new Uint8Array(BLOCK_SESSIONS),
      entry: new Uint32Array(BLOCK_SESSIONS),
      exit: new Uint32Array(BLOCK_SESSIONS),
    };
    const first = index * BLOCK_SESSIONS;
    this.#chunks ??= this.#events.sessionChunks();
    for (const chunk of this.#chunks) {
      if (chunk.last >= first && chunk.first < first + BLOCK_SESSIONS) this.#readChunk(chunk, first, block);
    }
    return block;
  }

  #readChunk(chunk: SessionChunk, first: number, block: Block): void {
    const [numbers, starts, ends] = [chunk.numbers(), chunk.starts(), chunk.ends()];
    const [events, pageviews] = [chunk.events(), chunk.pageviews()];
    const [entryOf, exitOf] = [this.#codesOf(chunk.entries()), this.#codesOf(chunk.exits())];
    for (let row = 0; row < chunk.rows; row += 1) {
      const at = (numbers[row] ?? 0) - first;
      if (at < 0 || at >= BLOCK_SESSIONS) continue;
      block.durationMs[at] = (ends[row] ?? 0) - (starts[row] ?? 0);
      block.bounce[at] = events[row] === 1 && pageviews[row] === 1 ? 1 : 0;
      block.entry[at] = entryOf(row);
      block.exit[at] = exitOf(row);
    }
  }

  #codesOf(column: TextColumn | undefined): (row: number) => number {
    if (!column) return () => 0;
    const codes = Uint32Array.from(column.dictionary, (path) => this.paths.codeOf(path));
    return (row) => codes[column.codes[row] ?? 0] ?? 0;
  }
}
