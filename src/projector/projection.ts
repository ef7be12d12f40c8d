// One projection: a generation of the read model, and the place in the log up to which it holds the fold.

import type { Logger } from "pino";
import { LogError } from "../log/errors.ts";
import type { EventLogReader, LogPosition } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import type { Frame } from "../log/frame-reader.ts";
import { readFromPosition, readFromStart } from "../log/reader.ts";
import { generationPath } from "../readmodel/generations.ts";
import {
  type Batch,
  type DeadLetter,
  type ProjectionSettings,
  ReadModelWriter,
} from "../readmodel/writer.ts";
import { EventDecoder } from "./event-decoder.ts";

/** A batch is kept as bytes until it is folded. Events of 3 KB, the largest there are, would otherwise take 300 MB. */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
/** From so many events on it takes less to start the thread that writes large batches than to do without it. */
const LARGE_BATCH_EVENTS = 16_384;

export interface Folded {
  readonly events: number;
  /** Whether that was all that is durable. */
  readonly isAtEnd: boolean;
  /** How long the fold took, in ms, without reading the log. */
  readonly foldMs: number;
  /** The offset of the next event to be folded. */
  readonly position: number;
}

export interface ProjectionOptions {
  readonly dataDirectory: string;
  readonly files: LogFiles;
  readonly settings: ProjectionSettings;
  readonly logger: Logger;
  /** Whether it may begin where the log does, when that is not at offset 0 any more, and lack the events before. */
  readonly acceptLoss?: boolean;
}

export class Projection {
  readonly generation: number;
  readonly #files: LogFiles;
  readonly #model: ReadModelWriter;
  readonly #acceptLoss: boolean;
  readonly #logger: Logger;
  readonly #decoder = new EventDecoder();
  #reader: EventLogReader | undefined;

  /** Opens the generation, or makes it. Throws what ReadModelWriter does. */
  constructor(generation: number, options: ProjectionOptions) {
    this.generation = generation;
    this.#files = options.files;
    const path = generationPath(options.dataDirectory, generation);
    this.#model = new ReadModelWriter(path, options.settings, undefined, undefined, (reason) =>
      options.logger.warn(
        { reason },
        "the thread that writes statistics failed: the batch is tried again without it",
      ),
    );
    this.#logger = options.logger;
    this.#acceptLoss = options.acceptLoss ?? false;
  }

  /** The offset of the next event to be folded. */
  get position(): number {
    return this.#model.checkpoint?.nextOffset ?? 0;
  }

  /** The offset that it begins at: 0, unless the loss of the events before was accepted. */
  get firstOffset(): number {
    return this.#model.firstOffset;
  }

  /** Events that were not folded, as they cannot be. */
  get deadLetters(): number {
    return this.#model.deadLetters;
  }

  /** Folds a batch of what is durable, of about `maxEvents` at most. Rejects with a LogError, and with what ReadModelWriter throws. */
  async fold(maxEvents: number): Promise<Folded> {
    this.#reader ??= await this.#open();
    const frames: Frame[] = [];
    let events = 0;
    let bytes = 0;
    let after: LogPosition | undefined;
    let isAtEnd = false;
    let isCut = false;
    while (events < maxEvents && bytes < MAX_BATCH_BYTES) {
      const next = await this.#reader?.next().catch((error) => {
        // What was read is folded first. The next call comes upon the same, and says so.
        if (frames.length === 0) throw error;
        isCut = true;
      });
      if (!next) {
        isAtEnd = !isCut;
        break;
      }
      after = next.after;
      frames.push(next.frame);
      events += next.frame.header.count;
      bytes += next.frame.bytes.length;
    }
    // Then no other batch comes while this one is written.
    const isLast = isAtEnd || isCut;
    const [first] = frames;
    const startMs = performance.now();
    if (first && after) {
      await this.#apply(
        { firstOffset: first.header.firstOffset, parts: this.#decoded(frames) },
        after,
        isLast && events < LARGE_BATCH_EVENTS,
      );
    }
    if (isLast) this.#report(await this.#model.settle());
    return { events, isAtEnd, foldMs: performance.now() - startMs, position: this.position };
  }

  /** One that is large, or behind which there are more, is written by a thread while the next one is folded. */
  async #apply(batch: Batch, after: LogPosition, isAlone: boolean): Promise<void> {
    if (!isAlone) {
      this.#report(await this.#model.applyAhead(batch, after));
      return;
    }
    this.#report(await this.#model.settle());
    this.#report(this.#model.apply(batch, after));
  }

  /** The records of `frames`. They are decoded when it is their turn: bytes take less memory than objects. */
  #decoded(frames: readonly Frame[]): Batch["parts"] {
    const decoder = this.#decoder;
    return { [Symbol.iterator]: () => decoder.parts(frames)[Symbol.iterator]() };
  }

  #report(deadLetters: readonly DeadLetter[]): void {
    for (const { offset, error } of deadLetters) {
      this.#logger.error({ offset, error }, "an event cannot be folded and is kept as a dead letter");
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    await this.#model.close();
  }

  async #open(): Promise<EventLogReader | undefined> {
    const { checkpoint } = this.#model;
    if (checkpoint) return readFromPosition(this.#files, checkpoint);
    const reader = await readFromStart(this.#files);
    if (!reader || reader.nextOffset === 0) return reader;
    if (this.#acceptLoss) {
      this.#model.beginAt(reader.nextOffset);
      return reader;
    }
    const first = reader.nextOffset;
    await reader.close();
    throw new LogError(
      "mismatch",
      `the log begins at offset ${first}: statistics made anew from it would lack the events before. Move their segments ` +
        "back from log/archive/ into log/; or start with the former --dedupe-window, when that was changed; or do without " +
        "those events: `footfall rebuild --accept-loss` (stop the server first when its projector is down)",
    );
  }
}
