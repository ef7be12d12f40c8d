// One projection: a generation of the read model, and the place in the log up to which it holds the fold.

import type { Logger } from "pino";
import { LogError } from "../log/errors.ts";
import type { EventLogReader, LogPosition } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import { readFromPosition, readFromStart } from "../log/reader.ts";
import { decodeRecords } from "../log/records.ts";
import { generationPath } from "../readmodel/generations.ts";
import { type DeadLetter, type ProjectionSettings, ReadModelWriter } from "../readmodel/writer.ts";
import type { OffsetEvent } from "./fold.ts";

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
  #reader: EventLogReader | undefined;

  /** Opens the generation, or makes it. Throws UnusableReadModel, or what SQLite says of the disk. */
  constructor(generation: number, options: ProjectionOptions) {
    this.generation = generation;
    this.#files = options.files;
    this.#model = new ReadModelWriter(generationPath(options.dataDirectory, generation), options.settings);
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

  /** Folds what is durable, up to about `maxEvents`; returns how many events that were. Rejects with a LogError. */
  async fold(maxEvents: number): Promise<number> {
    this.#reader ??= await this.#open();
    const batch: OffsetEvent[] = [];
    let after: LogPosition | undefined;
    while (batch.length < maxEvents) {
      const next = await this.#reader?.next();
      if (!next) break;
      after = next.after;
      let offset = next.frame.header.firstOffset;
      for (const { record } of decodeRecords(next.frame)) {
        if (record.case !== "event") {
          throw new Error(`the record at offset ${offset} is of a kind that this version does not know`);
        }
        batch.push({ offset, event: record.value });
        offset += 1;
      }
    }
    if (after) this.#report(this.#model.apply(batch, after));
    return batch.length;
  }

  #report(deadLetters: readonly DeadLetter[]): void {
    for (const { offset, error } of deadLetters) {
      this.#logger.error({ offset, error }, "an event cannot be folded and is kept as a dead letter");
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close();
    this.#model.close();
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
      `the log begins at offset ${first}: statistics made from it would lack the events before; ` +
        "`footfall rebuild --accept-loss` makes them all the same (stop the server first when its projector is down)",
    );
  }
}
