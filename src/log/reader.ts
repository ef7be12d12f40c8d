// Reads the log from a position, across segments, no further than the durable mark. It may read while the writer
// writes. It does not wait: at the durable end it gives nothing, and the caller watches the mark (the projector's
// mark-watch.ts does).

import { readDurableMark } from "./durable-mark.ts";
import { corruption, LogError } from "./errors.ts";
import type { EventLogReader, LogPosition } from "./event-log.ts";
import { type LogFiles, readFully } from "./files.ts";
import {
  type DurableMark,
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
  SEGMENT_HEADER_BYTES,
} from "./format.ts";
import { type Frame, FrameReader, isBad } from "./frame-reader.ts";
import { isMissing, listSegments, type OpenSegment, openSegment } from "./segments.ts";

/** Opens the log at its first record. Undefined while there is no log yet. */
export async function readFromStart(files: LogFiles): Promise<EventLogReader | undefined> {
  const [first] = await listSegments(files);
  if (first === undefined) return undefined;
  const segment = await openSegment(files, first, "read");
  return new LogReader(files, segment, startOf(segment));
}

/** Opens the log at the beginning of the segment that has `offset`, or at its first record when that is later. */
export async function readFromSegmentOf(
  files: LogFiles,
  offset: number,
): Promise<EventLogReader | undefined> {
  const segments = await listSegments(files);
  const found = segments.findLast((first) => first <= offset) ?? segments[0];
  if (found === undefined) return undefined;
  const segment = await openSegment(files, found, "read");
  return new LogReader(files, segment, startOf(segment));
}

/**
 * Opens the log behind the frame that `position` names. Throws a LogError "mismatch" when the log does not have
 * exactly that frame there, as for a checkpoint of another log.
 */
export async function readFromPosition(files: LogFiles, position: LogPosition): Promise<EventLogReader> {
  const segment = await openAt(files, position);
  try {
    const isAtStart = position.framePosition === 0 && position.nextOffset === segment.header.firstOffset;
    if (isAtStart) return new LogReader(files, segment, startOf(segment));
    const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
    await readFully(segment.file, bytes, position.framePosition);
    const header = decodeFrameHeader(bytes);
    if (header?.crc !== position.frameCrc || header.firstOffset + header.count !== position.nextOffset) {
      throw new LogError(
        "mismatch",
        `the log does not have the frame before offset ${position.nextOffset} that was read before ` +
          `(${segment.name}, byte ${position.framePosition})`,
      );
    }
    return new LogReader(files, segment, {
      position: position.framePosition + FRAME_OVERHEAD_BYTES + header.payloadBytes,
      nextOffset: position.nextOffset,
      crc: header.crc,
    });
  } catch (error) {
    await segment.file.close();
    throw error;
  }
}

function startOf(segment: OpenSegment): { position: number; nextOffset: number; crc: number } {
  return {
    position: SEGMENT_HEADER_BYTES,
    nextOffset: segment.header.firstOffset,
    crc: segment.header.crc,
  };
}

async function openAt(files: LogFiles, position: LogPosition): Promise<OpenSegment> {
  try {
    return await openSegment(files, position.segment, "read", position.logId);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new LogError(
      "mismatch",
      `the log has no segment that begins at offset ${position.segment}, where reading had come to`,
      { cause: error },
    );
  }
}

class LogReader implements EventLogReader {
  readonly logId: string;
  readonly #files: LogFiles;
  #segment: OpenSegment;
  #frames: FrameReader;
  #mark: DurableMark | undefined;
  #sealedSize: number | undefined;

  constructor(
    files: LogFiles,
    segment: OpenSegment,
    start: { position: number; nextOffset: number; crc: number },
  ) {
    this.logId = segment.header.logId;
    this.#files = files;
    this.#segment = segment;
    this.#frames = new FrameReader(segment.file, start);
  }

  get nextOffset(): number {
    return this.#frames.nextOffset;
  }

  async next(): Promise<{ frame: Frame; after: LogPosition } | undefined> {
    if (!(await this.#isBehindMark())) return undefined;
    let found = await this.#frames.next(await this.#limit());
    if (!found) {
      await this.#enterNextSegment();
      found = await this.#frames.next(await this.#limit());
      if (!found) return undefined;
    }
    if (isBad(found)) throw corruption(this.#segment.name, this.#frames.position, found.problem);
    const after = {
      logId: this.logId,
      nextOffset: this.#frames.nextOffset,
      segment: this.#segment.header.firstOffset,
      framePosition: found.position,
      frameCrc: found.header.crc,
    };
    return { frame: found, after };
  }

  close(): Promise<void> {
    return this.#segment.file.close();
  }

  /** Whether there are durable records from here on; looks at the mark when the one last seen is reached. */
  async #isBehindMark(): Promise<boolean> {
    if (!this.#mark || this.#mark.nextOffset <= this.nextOffset) {
      this.#mark = (await readDurableMark(this.#files)) ?? this.#mark;
    }
    if (!this.#mark) return false;
    if (this.#mark.logId !== this.logId) {
      throw new LogError(
        "mismatch",
        `the durable mark is of log ${this.#mark.logId}, the segments of ${this.logId}`,
      );
    }
    return this.#mark.nextOffset > this.nextOffset;
  }

  /** How far the segment may be read: the mark in the last one, the whole file in those before, which are sealed. */
  async #limit(): Promise<number> {
    if (this.#mark?.segment === this.#segment.header.firstOffset) return this.#mark.position;
    this.#sealedSize ??= await this.#segment.file.size();
    return this.#sealedSize;
  }

  async #enterNextSegment(): Promise<void> {
    const next = await openSegment(this.#files, this.nextOffset, "read", this.logId).catch(async (error) => {
      if (!isMissing(error)) throw error;
      const [first = 0] = await listSegments(this.#files);
      if (first > this.nextOffset) {
        throw new LogError(
          "mismatch",
          `what comes at offset ${this.nextOffset} was pruned while it was read`,
        );
      }
      throw corruption(
        this.#segment.name,
        this.#frames.position,
        `it ends at offset ${this.nextOffset}, and no segment goes on from there`,
      );
    });
    const old = this.#segment;
    this.#segment = next;
    this.#sealedSize = undefined;
    this.#frames = new FrameReader(next.file, startOf(next));
    await old.file.close();
  }
}
