// The projector: tails the log and folds it into the read model, forever.
//
// Invariant: a generation of the read model holds exactly the fold of the log up to its checkpoint. Readers are
// switched to a new generation only when it has caught up; the very first one they get at once.

import { join } from "node:path";
import type { Logger } from "pino";
import { DURABLE_MARK_NAME } from "../log/durable-mark.ts";
import { LogError } from "../log/errors.ts";
import type { EventLogReader, LogPosition } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import { readFromPosition, readFromStart } from "../log/reader.ts";
import { decodeRecords } from "../log/records.ts";
import { pause } from "../pause.ts";
import {
  currentGeneration,
  generationPath,
  listGenerations,
  publishGeneration,
  removeOtherGenerations,
} from "../readmodel/generations.ts";
import { type ProjectionSettings, ReadModelWriter, UnusableReadModel } from "../readmodel/writer.ts";
import type { OffsetEvent } from "./fold.ts";
import { MarkWatch } from "./mark-watch.ts";

/** A batch is folded in memory: this many events make the cost of a transaction and of each changed key small. */
const FULL_BATCH_EVENTS = 20_000;
/** How long events are gathered while the projector keeps up, in ms: well below the promised 200 ms. */
const COALESCE_MS = 50;

export interface ProjectorOptions {
  readonly dataDirectory: string;
  readonly files: LogFiles;
  readonly settings: ProjectionSettings;
  readonly logger: Logger;
}

/** Folds until `signal` aborts. Rejects when log or read model cannot be trusted or used. */
export async function runProjector(options: ProjectorOptions, signal: AbortSignal): Promise<void> {
  const watch = new MarkWatch(join(options.files.directory, DURABLE_MARK_NAME), signal);
  const { generation, model } = openModel(options);
  let reader: EventLogReader | undefined;
  try {
    while (!signal.aborted) {
      reader ??= await openReader(options.files, model.checkpoint);
      const folded = reader ? await foldBatch(reader, model) : 0;
      if (folded >= FULL_BATCH_EVENTS) continue;
      publishWhenNew(options, generation);
      if (folded === 0) await watch.wait();
      await pause(COALESCE_MS, signal);
    }
  } finally {
    watch.close();
    await reader?.close();
    model.close();
  }
}

/** The current generation when it has the right identity; else the one that is to replace it. */
function openModel(options: ProjectorOptions): { generation: number; model: ReadModelWriter } {
  const { dataDirectory, settings, logger } = options;
  const current = currentGeneration(dataDirectory);
  const candidates = new Set([current, ...listGenerations(dataDirectory).reverse()]);
  for (const generation of candidates) {
    if (generation === undefined) continue;
    try {
      return { generation, model: new ReadModelWriter(generationPath(dataDirectory, generation), settings) };
    } catch (error) {
      if (!(error instanceof UnusableReadModel)) throw error;
      logger.warn({ generation, reason: error.message }, "not using this generation of the read model");
    }
  }
  const generation = Math.max(0, ...listGenerations(dataDirectory)) + 1;
  logger.info({ generation }, "building a new generation of the read model from the log");
  const model = new ReadModelWriter(generationPath(dataDirectory, generation), settings);
  if (current === undefined) publishGeneration(dataDirectory, generation);
  return { generation, model };
}

async function openReader(
  files: LogFiles,
  checkpoint: LogPosition | undefined,
): Promise<EventLogReader | undefined> {
  if (checkpoint) return readFromPosition(files, checkpoint);
  const reader = await readFromStart(files);
  if (reader && reader.nextOffset !== 0) {
    const first = reader.nextOffset;
    await reader.close();
    throw new LogError(
      "mismatch",
      `the log begins at offset ${first}: building the read model from it would lose the events before`,
    );
  }
  return reader;
}

/** Folds what is durable, up to a full batch; returns how many events that were. */
async function foldBatch(reader: EventLogReader, model: ReadModelWriter): Promise<number> {
  const batch: OffsetEvent[] = [];
  let after: LogPosition | undefined;
  while (batch.length < FULL_BATCH_EVENTS) {
    const next = await reader.next();
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
  if (after) model.apply(batch, after);
  return batch.length;
}

/** Switches readers to `generation` when it is not the one they use, and removes the others. */
function publishWhenNew(options: ProjectorOptions, generation: number): void {
  if (currentGeneration(options.dataDirectory) === generation) return;
  publishGeneration(options.dataDirectory, generation);
  removeOtherGenerations(options.dataDirectory, generation);
  options.logger.info({ generation }, "the read model was switched to a new generation");
}
