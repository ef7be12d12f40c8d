// What the sessions of a site are as a whole, by their numbers: read in blocks when they are asked for.

import type { TextColumn } from "../columns/column.ts";
import { TooMuch } from "./limits.ts";
import type { SessionChunk, SiteEvents } from "./site-events.ts";
import { TextCodes } from "./text-codes.ts";

const BLOCK_SESSIONS = 65_536;
/** What blocks of sessions take at most, together, in bytes: enough for 59 million sessions. They are not on V8's heap, which has
 *  a limit of its own. */
const MAX_BYTES = 512 * 1024 * 1024;
const MEASURES_BYTES = BLOCK_SESSIONS * (Float64Array.BYTES_PER_ELEMENT + Uint8Array.BYTES_PER_ELEMENT);
const PATHS_BYTES = BLOCK_SESSIONS * Uint32Array.BYTES_PER_ELEMENT;

interface Measures {
  readonly durationMs: Float64Array;
  /** 1 for a bounce: one page view and no other event. */
  readonly bounce: Uint8Array;
}

export class SessionFacts {
  readonly #events: SiteEvents;
  readonly #measures: Blocks<Measures>;
  readonly #entries: Blocks<Uint32Array>;
  readonly #exits: Blocks<Uint32Array>;
  /** The codes of their paths; 0 is the empty one, of an event without session. */
  readonly paths = new TextCodes();
  readonly #checkTime: () => void;
  #chunks: readonly SessionChunk[] | undefined;
  #bytes = 0;

  /** `checkTime` is called every few milliseconds, and may throw. Where there are too many sessions, a TooMuch is thrown. */
  constructor(events: SiteEvents, checkTime: () => void) {
    this.#events = events;
    this.#checkTime = checkTime;
    this.paths.codeOf("");
    this.#measures = new Blocks((first) => this.#readMeasures(first));
    this.#entries = new Blocks((first) => this.#readPaths(first, (chunk) => this.#codesOf(chunk.entries())));
    this.#exits = new Blocks((first) => this.#readPaths(first, (chunk) => this.#exitCodesOf(chunk)));
  }

  durationMs(session: number): number {
    return this.#measures.of(session).durationMs[session % BLOCK_SESSIONS] ?? 0;
  }

  bounce(session: number): number {
    return this.#measures.of(session).bounce[session % BLOCK_SESSIONS] ?? 0;
  }

  /** The code of the entry page's path in `paths`. */
  entry(session: number): number {
    return this.#entries.of(session)[session % BLOCK_SESSIONS] ?? 0;
  }

  exit(session: number): number {
    return this.#exits.of(session)[session % BLOCK_SESSIONS] ?? 0;
  }

  #readMeasures(first: number): Measures {
    this.#takeRoom(MEASURES_BYTES);
    const durationMs = new Float64Array(BLOCK_SESSIONS);
    const bounce = new Uint8Array(BLOCK_SESSIONS);
    for (const chunk of this.#chunksWith(first)) {
      const [numbers, starts, ends] = [chunk.numbers(), chunk.starts(), chunk.ends()];
      const [events, pageviews] = [chunk.events(), chunk.pageviews()];
      for (let row = 0; row < chunk.rows; row += 1) {
        const at = (numbers[row] ?? 0) - first;
        if (at < 0 || at >= BLOCK_SESSIONS) continue;
        durationMs[at] = (ends[row] ?? 0) - (starts[row] ?? 0);
        bounce[at] = events[row] === 1 && pageviews[row] === 1 ? 1 : 0;
      }
    }
    return { durationMs, bounce };
  }

  /** The codes of paths, which `codesOf` a chunk gives for each row. */
  #readPaths(first: number, codesOf: (chunk: SessionChunk) => (row: number) => number): Uint32Array {
    this.#takeRoom(PATHS_BYTES);
    const block = new Uint32Array(BLOCK_SESSIONS);
    for (const chunk of this.#chunksWith(first)) {
      const codeOf = codesOf(chunk);
      const numbers = chunk.numbers();
      for (let row = 0; row < chunk.rows; row += 1) {
        const at = (numbers[row] ?? 0) - first;
        if (at < 0 || at >= BLOCK_SESSIONS) continue;
        block[at] = codeOf(row);
      }
    }
    return block;
  }

  #codesOf(paths: TextColumn | undefined): (row: number) => number {
    const codes = Uint32Array.from(paths?.dictionary ?? [], (path) => this.paths.codeOf(path));
    return (row) => codes[paths?.codes[row] ?? 0] ?? 0;
  }

  #exitCodesOf(chunk: SessionChunk): (row: number) => number {
    const moved = chunk.moved();
    const exits = chunk.exits();
    const exit = this.#codesOf(exits);
    // Until it is built anew, a read model of version 7 has the exits of all.
    if (!moved && exits) return exit;
    const entry = this.#codesOf(chunk.entries());
    return (row) => (moved?.[row] === 1 ? exit(row) : entry(row));
  }

  /** The chunks that may have sessions of the block that begins with the number `first`. */
  *#chunksWith(first: number): Generator<SessionChunk> {
    this.#chunks ??= this.#events.sessionChunks();
    for (const chunk of this.#chunks) {
      if (chunk.last < first || chunk.first >= first + BLOCK_SESSIONS) continue;
      this.#checkTime();
      yield chunk;
    }
  }

  #takeRoom(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= MAX_BYTES) return;
    throw new TooMuch("the visits of the range are too many to look at each: ask for a shorter range");
  }
}

/** Blocks of sessions. Sessions of events that follow each other mostly have numbers that do so. */
class Blocks<Block> {
  readonly #read: (first: number) => Block;
  readonly #blocks = new Map<number, Block>();
  #index = -1;
  #block: Block | undefined;

  constructor(read: (first: number) => Block) {
    this.#read = read;
  }

  of(session: number): Block {
    const index = Math.floor(session / BLOCK_SESSIONS);
    if (index === this.#index && this.#block !== undefined) return this.#block;
    const block = this.#blocks.get(index) ?? this.#read(index * BLOCK_SESSIONS);
    this.#blocks.set(index, block);
    this.#index = index;
    this.#block = block;
    return block;
  }
}
