// The bytes of the log; docs/log-format.md is the specification. All integers are little-endian.
//
// Segment header, 64 bytes              Frame: header of 32 bytes, payload, end mark
//   0  8  magic "FOOTFALL"                0  4  magic FF 'F' 'R' 'M'
//   8  4  format version                  4  4  payload length in bytes
//  12  4  zero                            8  8  offset of the first record
//  16 16  log id                         16  4  number of records
//  32  8  offset of the first record     20  4  CRC of the frame before (the segment header's for the first)
//  40  8  receipt time before it (ms)    24  4  CRC of the payload
//  48 12  zero                           28  4  CRC of bytes 0 to 27: "the CRC of the frame"
//  60  4  CRC of bytes 0 to 59           32  n  payload
//                                      32+n  1  end mark FF
//
// No sector of a whole frame is all zero: FF opens and closes it, and records have no long runs of zeros.
// So a sector that is all zero was never written (recovery.ts relies on it).

import { crc32 } from "node:zlib";
import type { RecordGroup } from "./event-log.ts";

const FORMAT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 64;
export const FRAME_HEADER_BYTES = 32;
const END_MARK = 0xff;
/** What a frame takes beside its payload. */
export const FRAME_OVERHEAD_BYTES = FRAME_HEADER_BYTES + 1;
/** Bounds what a reader allocates for one frame, and what one group commit writes. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;
export const DURABLE_MARK_BYTES = 64;

const SEGMENT_MAGIC = Buffer.from("FOOTFALL", "latin1");
export const FRAME_MAGIC = Buffer.from([0xff, 0x46, 0x52, 0x4d]);
const MARK_MAGIC = Buffer.from("FFDURABL", "latin1");

export interface SegmentHeader {
  /** The log's UUID. */
  readonly logId: string;
  /** The offset of the segment's first record; also the segment's name. */
  readonly firstOffset: number;
  /** The time of receipt of the record before, in ms; 0 at the log's beginning. */
  readonly receivedBeforeMs: number;
}

export interface FrameHeader {
  readonly payloadBytes: number;
  readonly firstOffset: number;
  readonly count: number;
  readonly previousCrc: number;
  readonly payloadCrc: number;
  /** The CRC of this header, which covers the payload's: it stands for the whole frame. */
  readonly crc: number;
}

/** How far the log is durable. */
export interface DurableMark {
  readonly logId: string;
  /** First offset of the segment that `position` is in. */
  readonly segment: number;
  /** The offset that the next record will get. */
  readonly nextOffset: number;
  /** The byte in the segment where the last durable frame ends. */
  readonly position: number;
  /** The CRC of the frame that ends there, or of the segment header when there is none. */
  readonly crc: number;
}

export function segmentName(firstOffset: number): string {
  return `${String(firstOffset).padStart(20, "0")}.log`;
}

/** The first offset in a segment's file name, or undefined for another file. */
export function segmentOfName(name: string): number | undefined {
  return /^\d{20}\.log$/.test(name) ? Number(name.slice(0, 20)) : undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  uuidBytes(header.logId).copy(bytes, 16);
  writeUint64(bytes, header.firstOffset, 32);
  writeUint64(bytes, header.receivedBeforeMs, 40);
  return seal(bytes);
}

/** Reads a segment header; a string says what is wrong with it. */
export function decodeSegmentHeader(bytes: Buffer): (SegmentHeader & { readonly crc: number }) | string {
  if (bytes.length < SEGMENT_HEADER_BYTES) return "the segment header is cut off";
  if (!bytes.subarray(0, 8).equals(SEGMENT_MAGIC)) return "it does not begin as a log segment does";
  const crc = bytes.readUInt32LE(SEGMENT_HEADER_BYTES - 4);
  if (crc32(bytes.subarray(0, SEGMENT_HEADER_BYTES - 4)) !== crc)
    return "the CRC of the segment header is wrong";
  const version = bytes.readUInt32LE(8);
  if (version !== FORMAT_VERSION) {
    return `it has format version ${version}, and this Footfall knows version ${FORMAT_VERSION} only`;
  }
  return { ...segmentHeaderFields(bytes), crc };
}

/** What a segment header says, be it damaged or not. */
export function segmentHeaderFields(bytes: Buffer): SegmentHeader {
  return {
    logId: uuidText(bytes.subarray(16, 32)),
    firstOffset: readUint64(bytes, 32),
    receivedBeforeMs: readUint64(bytes, 40),
  };
}

/** Whether it is a whole segment header of a version that this Footfall does not know: it is not damaged. */
export function isOtherVersion(bytes: Buffer): boolean {
  const sealed = bytes.subarray(0, SEGMENT_HEADER_BYTES);
  return (
    sealed.length === SEGMENT_HEADER_BYTES &&
    sealed.subarray(0, 8).equals(SEGMENT_MAGIC) &&
    crc32(sealed.subarray(0, -4)) === sealed.readUInt32LE(SEGMENT_HEADER_BYTES - 4) &&
    sealed.readUInt32LE(8) !== FORMAT_VERSION
  );
}

/** Builds the frame of `groups` of records; how many records it has, and its CRC. */
export function encodeFrame(
  groups: readonly RecordGroup[],
  firstOffset: number,
  previousCrc: number,
): { bytes: Buffer; count: number; crc: number } {
  let payloadBytes = 0;
  let count = 0;
  for (const group of groups) {
    payloadBytes += group.bytes.byteLength;
    count += group.count;
  }
  if (count === 0 || payloadBytes > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`a frame of ${count} records and ${payloadBytes} bytes is not allowed`);
  }
  const bytes = Buffer.allocUnsafe(FRAME_OVERHEAD_BYTES + payloadBytes);
  let position = FRAME_HEADER_BYTES;
  for (const group of groups) {
    bytes.set(group.bytes, position);
    position += group.bytes.byteLength;
  }
  bytes[position] = END_MARK;
  FRAME_MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(payloadBytes, 4);
  writeUint64(bytes, firstOffset, 8);
  bytes.writeUInt32LE(count, 16);
  bytes.writeUInt32LE(previousCrc, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(FRAME_HEADER_BYTES, position)), 24);
  const crc = crc32(bytes.subarray(0, 28));
  bytes.writeUInt32LE(crc, 28);
  return { bytes, count, crc };
}

/** Reads a frame header at the start of `bytes`; undefined when magic or CRC are wrong or a length is impossible. */
export function decodeFrameHeader(bytes: Buffer): FrameHeader | undefined {
  if (bytes.length < FRAME_HEADER_BYTES || !bytes.subarray(0, 4).equals(FRAME_MAGIC)) return undefined;
  const crc = bytes.readUInt32LE(28);
  if (crc32(bytes.subarray(0, 28)) !== crc) return undefined;
  const payloadBytes = bytes.readUInt32LE(4);
  if (payloadBytes > MAX_PAYLOAD_BYTES) return undefined;
  return {
    payloadBytes,
    firstOffset: readUint64(bytes, 8),
    count: bytes.readUInt32LE(16),
    previousCrc: bytes.readUInt32LE(20),
    payloadCrc: bytes.readUInt32LE(24),
    crc,
  };
}

/** Whether `frame`, a whole frame with this header, has the payload and end mark that the header promises. */
export function frameIsWhole(header: FrameHeader, frame: Buffer): boolean {
  const end = FRAME_HEADER_BYTES + header.payloadBytes;
  return frame[end] === END_MARK && crc32(frame.subarray(FRAME_HEADER_BYTES, end)) === header.payloadCrc;
}

export function encodeDurableMark(mark: DurableMark): Buffer {
  const bytes = Buffer.alloc(DURABLE_MARK_BYTES);
  MARK_MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(mark.crc, 12);
  uuidBytes(mark.logId).copy(bytes, 16);
  writeUint64(bytes, mark.segment, 32);
  writeUint64(bytes, mark.nextOffset, 40);
  writeUint64(bytes, mark.position, 48);
  return seal(bytes);
}

/** Reads a mark; undefined when it is not whole, as after a power cut or while it is being overwritten. */
export function decodeDurableMark(bytes: Buffer): DurableMark | undefined {
  if (bytes.length < DURABLE_MARK_BYTES || !bytes.subarray(0, 8).equals(MARK_MAGIC)) return undefined;
  if (crc32(bytes.subarray(0, DURABLE_MARK_BYTES - 4)) !== bytes.readUInt32LE(DURABLE_MARK_BYTES - 4)) {
    return undefined;
  }
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return undefined;
  return {
    logId: uuidText(bytes.subarray(16, 32)),
    segment: readUint64(bytes, 32),
    nextOffset: readUint64(bytes, 40),
    position: readUint64(bytes, 48),
    crc: bytes.readUInt32LE(12),
  };
}

function seal(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, bytes.length - 4)), bytes.length - 4);
  return bytes;
}

// Offsets and positions stay below 2^53, so two halves are exact, and much faster than BigInt.
function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % 0x1_0000_0000, at);
  bytes.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

function readUint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 0x1_0000_0000;
}

function uuidBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll("-", ""), "hex");
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
