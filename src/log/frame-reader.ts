// Reads the frames of one segment file in order, through a window that holds at least one whole frame.
// Every length is checked against the frame limit and the bytes left before memory is taken for it.
// It does not know what lies beyond `limit`: the caller says how far the file may be trusted.

import { type LogFile, readFully } from "./files.ts";
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_OVERHEAD_BYTES,
  type FrameHeader,
  frameIsWhole,
} from "./format.ts";

/** How much is read at a time: large enough that a syscall costs nothing beside decoding. */
const WINDOW_BYTES = 1024 * 1024;

export interface Frame {
  readonly header: FrameHeader;
  /** The byte in the segment where the frame begins, and where it ends. */
  readonly position: number;
  readonly end: number;
  /** The frame's bytes: a view of a window that is never written again. */
  readonly bytes: Buffer;
}

/** The bytes at `position` are not the next frame. */
export interface BadFrame {
  readonly problem: string;
}

export class FrameReader {
  /** Where the next frame begins. */
  position: number;
  /** The offset that it must have. */
  nextOffset: number;
  /** The CRC of the frame before it. */
  crc: number;
  readonly #file: LogFile;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(file: LogFile, start: { position: number; nextOffset: number; crc: number }) {
    this.#file = file;
    this.position = start.position;
    this.nextOffset = start.nextOffset;
    this.crc = start.crc;
  }

  /** The next frame before byte `limit`; undefined exactly at it; or why the bytes there are none. */
  async next(limit: number): Promise<Frame | BadFrame | undefined> {
    const left = limit - this.position;
    if (left <= 0) return undefined;
    if (left < FRAME_HEADER_BYTES) return { problem: "the file ends within a frame header" };
    const headerBytes = await this.#bytes(FRAME_HEADER_BYTES, limit);
    const header = headerBytes && decodeFrameHeader(headerBytes);
    if (!header) return { problem: "the frame header is damaged" };
    if (header.firstOffset !== this.nextOffset) {
      return { problem: `the frame has offset ${header.firstOffset} where ${this.nextOffset} is due` };
    }
    if (header.previousCrc !== this.crc) return { problem: "the frame does not follow the one before it" };
    const length = FRAME_OVERHEAD_BYTES + header.payloadBytes;
    if (left < length) return { problem: "the file ends within a frame" };
    const bytes = await this.#bytes(length, limit);
    if (!bytes || !frameIsWhole(header, bytes)) return { problem: "the CRC of the payload is wrong" };
    const frame = { header, position: this.position, end: this.position + length, bytes };
    this.position = frame.end;
    this.nextOffset += header.count;
    this.crc = header.crc;
    return frame;
  }

  /** `length` bytes at the position, or undefined when the file is shorter than the caller thought. */
  async #bytes(length: number, limit: number): Promise<Buffer | undefined> {
    let start = this.position - this.#windowStart;
    if (start + length > this.#window.length) {
      const size = Math.max(length, Math.min(WINDOW_BYTES, limit - this.position));
      this.#window = await this.#read(size).catch((error) => {
        // A bad place of the disk further on must not hide the frames before it.
        if (size === length) throw error;
        return this.#read(length);
      });
      this.#windowStart = this.position;
      start = 0;
    }
    if (start + length > this.#window.length) return undefined;
    return this.#window.subarray(start, start + length);
  }

  async #read(size: number): Promise<Buffer> {
    const window = Buffer.allocUnsafe(size);
    return window.subarray(0, await readFully(this.#file, window, this.position));
  }
}

export function isBad(frame: Frame | BadFrame): frame is BadFrame {
  return "problem" in frame;
}
