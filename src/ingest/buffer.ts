// The ingest buffer: fastq holds the batches that wait for the log.
//
// Groups of records join the last waiting batch until the worker takes it; the worker stores one batch at a time as
// one frame, so the commit that is under way is the timer of the next (group commit). A group is never split over frames.
// fastq has no bound of its own: bytes and records are counted here, and beyond the bounds nothing is taken.

import fastq from "fastq";
import type { EventLog, RecordGroup } from "../log/event-log.ts";
import { MAX_PAYLOAD_BYTES } from "../log/format.ts";
import { IngestError } from "./ingest.ts";

/** What may wait for the log, the batch that is being written included. */
export interface BufferLimits {
  readonly bytes: number;
  readonly records: number;
}

/** Several seconds of a fast sender's events; more would only add to everybody's waiting. */
export const BUFFER_LIMITS: BufferLimits = { bytes: 64 * 1024 * 1024, records: 250_000 };

/** With more, nothing more is stored a second; with one, a fifth less for 32 senders, and a third for eight. */
export const GATHER_TURNS = 2;

interface Batch {
  readonly groups: RecordGroup[];
  bytes: number;
  count: number;
  receivedAtMs: number;
  /** Settles for all senders at once. */
  readonly stored: PromiseWithResolvers<void>;
}

export class IngestBuffer {
  readonly #log: EventLog;
  readonly #limits: BufferLimits;
  readonly #queue: fastq.queue<Batch>;
  #waiting: Batch | undefined;
  #bytes = 0;
  #records = 0;
  readonly #whenIdle: (() => void)[] = [];

  constructor(log: EventLog, limits = BUFFER_LIMITS) {
    this.#log = log;
    this.#limits = limits;
    this.#queue = fastq((batch: Batch, done: fastq.done) => this.#storeSoon(batch, done), 1);
    this.#queue.drain = () => {
      for (const resolve of this.#whenIdle.splice(0)) resolve();
    };
  }

  /** The records that were taken and are not on disk yet. */
  get size(): number {
    return this.#records;
  }

  /**
   * Takes a group of records received at `receivedAtMs`; resolves when they are on disk. Throws an IngestError when the
   * buffer is full, rejects with one when the log fails. A group has at most MAX_PAYLOAD_BYTES.
   */
  add(group: RecordGroup, receivedAtMs: number): Promise<void> {
    const bytes = group.bytes.byteLength;
    if (bytes > MAX_PAYLOAD_BYTES) throw new RangeError(`${bytes} bytes of records do not fit in a frame`);
    if (this.#bytes + bytes > this.#limits.bytes || this.#records + group.count > this.#limits.records) {
      throw new IngestError("buffer_full", "the ingest buffer is full: send again in a moment");
    }
    this.#bytes += bytes;
    this.#records += group.count;
    const waiting = this.#waiting;
    if (waiting && waiting.bytes + bytes <= MAX_PAYLOAD_BYTES) {
      waiting.groups.push(group);
      waiting.bytes += bytes;
      waiting.count += group.count;
      waiting.receivedAtMs = receivedAtMs;
      return waiting.stored.promise;
    }
    const { count } = group;
    const batch = { groups: [group], bytes, count, receivedAtMs, stored: Promise.withResolvers<void>() };
    this.#waiting = batch;
    // When idle, push runs the worker before it returns.
    this.#queue.push(batch);
    return batch.stored.promise;
  }

  /** Resolves when all that was taken is on disk or was rejected. */
  async drained(): Promise<void> {
    while (!this.#queue.idle()) {
      await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    }
  }

  /**
   * Stores `batch` together with what joins it within GATHER_TURNS: many senders are heard in one turn of the event loop,
   * and those that were just answered send again in the next one. A commit without them makes them all wait for it, and a
   * commit costs as much as many events.
   */
  #storeSoon(batch: Batch, done: fastq.done, turns = GATHER_TURNS): void {
    setImmediate(() => {
      if (turns > 1) this.#storeSoon(batch, done, turns - 1);
      else this.#store(batch, done);
    });
  }

  #store(batch: Batch, done: fastq.done): void {
    if (this.#waiting === batch) this.#waiting = undefined;
    this.#log.append(batch).then(
      () => {
        this.#release(batch);
        batch.stored.resolve();
        done(null);
      },
      (cause: unknown) => {
        this.#release(batch);
        batch.stored.reject(new IngestError("unavailable", "the event log failed", { cause }));
        done(null);
      },
    );
  }

  #release(batch: Batch): void {
    this.#bytes -= batch.bytes;
    this.#records -= batch.count;
  }
}
