// The log's writer: one frame for each append, one frame in flight.
//
// Invariants: an append resolves only after write and fdatasync; frame N+1 is not written before the sync of N
// returned; the first write or sync that fails is the last (a failed sync is never tried again, as the kernel may
// have dropped the pages that it could not write).

import { DURABLE_MARK_NAME } from "./durable-mark.ts";
import { LogError, reasonOf } from "./errors.ts";
import type { EventLog, RecordBatch } from "./event-log.ts";
import { type LogFile, type LogFiles, writeFully } from "./files.ts";
import { encodeDurableMark, encodeFrame, SEGMENT_HEADER_BYTES } from "./format.ts";
import { type RecoveredLog, recoverLog } from "./recovery.ts";
import { createSegment, type OpenSegment } from "./segments.ts";

/** Large enough for few files, small enough to read one at every start. */
const DEFAULT_SEGMENT_BYTES = 128 * 1024 * 1024;

export interface OpenedLog {
  readonly log: EventLog;
  /** The write that a crash cut short, when there was one. */
  readonly torn: RecoveredLog["torn"];
}

/** Opens the log for writing, or throws a LogError. The caller holds the lock. */
export async function openLog(files: LogFiles, segmentBytes = DEFAULT_SEGMENT_BYTES): Promise<OpenedLog> {
  const recovered = await recoverLog(files);
  let mark: LogFile | undefined;
  try {
    mark = await files.open(DURABLE_MARK_NAME, await markMode(files));
    const log = new LogWriter(files, recovered, mark, segmentBytes);
    await log.writeMark();
    return { log, torn: recovered.torn };
  } catch (error) {
    // Opening is tried again and again: a file left open each time would add up.
    await Promise.allSettled([recovered.segment.file.close(), mark?.close()]);
    throw error;
  }
}

/** An existing mark is overwritten in place: emptying it first would leave readers without one for a moment. */
async function markMode(files: LogFiles): Promise<"write" | "create"> {
  return (await files.list()).includes(DURABLE_MARK_NAME) ? "write" : "create";
}

class LogWriter implements EventLog {
  readonly id: string;
  readonly failure: Promise<LogError>;
  readonly #files: LogFiles;
  readonly #mark: LogFile;
  readonly #segmentBytes: number;
  #segment: OpenSegment;
  #position: number;
  #nextOffset: number;
  #crc: number;
  #lastReceivedAtMs: number;
  #markWritten: Promise<void> = Promise.resolve();
  #failed: LogError | undefined;
  #reportFailure: (error: LogError) => void;

  constructor(files: LogFiles, recovered: RecoveredLog, mark: LogFile, segmentBytes: number) {
    this.id = recovered.segment.header.logId;
    this.#files = files;
    this.#mark = mark;
    this.#segmentBytes = segmentBytes;
    this.#segment = recovered.segment;
    this.#position = recovered.position;
    this.#nextOffset = recovered.nextOffset;
    this.#crc = recovered.crc;
    this.#lastReceivedAtMs = recovered.lastReceivedAtMs;
    const { promise, resolve } = Promise.withResolvers<LogError>();
    this.failure = promise;
    this.#reportFailure = resolve;
  }

  get end(): number {
    return this.#nextOffset;
  }

  get lastReceivedAtMs(): number {
    return this.#lastReceivedAtMs;
  }

  async append(batch: RecordBatch): Promise<void> {
    if (this.#failed) throw this.#failed;
    try {
      await this.#appendFrame(batch);
      await this.#markWritten;
    } catch (error) {
      throw this.#fail(error);
    }
    this.#markWritten = this.writeMark();
    // Whoever waits for the mark sees the error as well; this keeps it from being unhandled until then.
    this.#markWritten.catch((error) => this.#fail(error));
  }

  async writeMark(): Promise<void> {
    const mark = encodeDurableMark({
      logId: this.id,
      segment: this.#segment.header.firstOffset,
      nextOffset: this.#nextOffset,
      position: this.#position,
      crc: this.#crc,
    });
    await writeFully(this.#mark, mark, 0);
  }

  async close(): Promise<void> {
    await this.#markWritten.catch((error) => this.#fail(error));
    try {
      await this.#segment.file.close();
    } finally {
      await this.#mark.close();
    }
  }

  async #appendFrame(batch: RecordBatch): Promise<void> {
    let frame = encodeFrame(batch.groups, this.#nextOffset, this.#crc);
    const isFull = this.#position + frame.bytes.length > this.#segmentBytes;
    if (isFull && this.#position > SEGMENT_HEADER_BYTES) {
      await this.#roll();
      frame = encodeFrame(batch.groups, this.#nextOffset, this.#crc);
    }
    await writeFully(this.#segment.file, frame.bytes, this.#position);
    await this.#segment.file.datasync();
    this.#position += frame.bytes.length;
    this.#nextOffset += frame.count;
    this.#crc = frame.crc;
    this.#lastReceivedAtMs = batch.receivedAtMs;
  }

  /** Goes on in a new segment. All frames of the old one are on disk already. */
  async #roll(): Promise<void> {
    const old = this.#segment;
    await old.file.datasync();
    this.#segment = await createSegment(this.#files, {
      logId: this.id,
      firstOffset: this.#nextOffset,
      receivedBeforeMs: this.#lastReceivedAtMs,
    });
    this.#position = SEGMENT_HEADER_BYTES;
    this.#crc = this.#segment.header.crc;
    await old.file.close();
  }

  #fail(cause: unknown): LogError {
    if (!this.#failed) {
      this.#failed = new LogError("failed", `writing the log failed: ${reasonOf(cause)}`, { cause });
      this.#reportFailure(this.#failed);
    }
    return this.#failed;
  }
}
