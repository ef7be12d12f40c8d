// The seam behind which another engine could keep the events: append a batch, read from a position, durable end.
// The embedded engine is LogWriter (writer.ts) and LogReader (reader.ts) over segment files.

import type { LogError } from "./errors.ts";
import type { Frame } from "./frame-reader.ts";

/** Encoded records (records.ts), one behind the other. */
export interface RecordGroup {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** Groups of records that are stored together. */
export interface RecordBatch {
  readonly groups: readonly RecordGroup[];
  /** The time of receipt of the last record, in ms. */
  readonly receivedAtMs: number;
}

/** The writing half. One process has it at a time. */
export interface EventLog {
  /** The log's UUID. */
  readonly id: string;
  /** The offset that the next record will get: all before it are on disk. */
  readonly end: number;
  /** The time of receipt of the last record, in ms; 0 when there is none. */
  readonly lastReceivedAtMs: number;
  /** Resolves when a write or sync has failed, after which every append rejects. */
  readonly failure: Promise<LogError>;
  /** Stores one batch; resolves when it is on disk. One call at a time. */
  append(batch: RecordBatch): Promise<void>;
  close(): Promise<void>;
}

/** A place in the log between two frames. */
export interface LogPosition {
  readonly logId: string;
  /** The offset of the next record. */
  readonly nextOffset: number;
  /** First offset of the segment that has the frame before the place; with no frame before, of the first segment. */
  readonly segment: number;
  /** Where that frame begins in the segment; 0 when there is none. */
  readonly framePosition: number;
  /** The CRC of that frame; 0 when there is none. */
  readonly frameCrc: number;
}

/** The reading half: frames in order, none that is not durable. */
export interface EventLogReader {
  readonly logId: string;
  /** The offset of the next record that `next` will give. */
  readonly nextOffset: number;
  /** The next durable frame, or undefined when all of them were given. */
  next(): Promise<{ readonly frame: Frame; readonly after: LogPosition } | undefined>;
  close(): Promise<void>;
}
