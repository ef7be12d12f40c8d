// Is the damaged end of a segment a write that a crash cut short, or corruption?
//
// Before the crash at most one frame was in flight, and nothing of it was acknowledged. Its 512-byte sectors may
// have reached the disk in any order or not at all (then they read as zeros), or the file's new length did not.
// Only that is called torn. A flipped bit leaves none of these traces, so it never shortens the log.

import { type LogFile, readFully } from "./files.ts";
import {
  decodeFrameHeader,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC,
  FRAME_OVERHEAD_BYTES,
  MAX_PAYLOAD_BYTES,
} from "./format.ts";

const SECTOR_BYTES = 512;

/**
 * The end of `file` from byte `position`, where a frame should begin and none that is whole does, when it is a torn
 * write; undefined when it is corruption.
 */
export async function readTornWrite(file: LogFile, position: number): Promise<Buffer | undefined> {
  const length = (await file.size()) - position;
  // One frame at most was in flight. What is longer is no torn write, nor is memory taken for it.
  if (length > FRAME_OVERHEAD_BYTES + MAX_PAYLOAD_BYTES) return undefined;
  const tail = Buffer.alloc(length);
  await readFully(file, tail, position);
  return isTornWrite(tail, position) ? tail : undefined;
}

/** `tail` is the file from byte `position`, where a frame should begin and none that is whole does, to its end. */
function isTornWrite(tail: Buffer, position: number): boolean {
  return looksTorn(tail, position) && !hasFrameBehind(tail);
}

function looksTorn(tail: Buffer, position: number): boolean {
  if (tail.length < FRAME_HEADER_BYTES) return true;
  const header = decodeFrameHeader(tail);
  // Without a whole header only the sectors that the header lies in tell that it was never written.
  if (!header) return hasZeroSector(tail, position, FRAME_HEADER_BYTES);
  const length = FRAME_OVERHEAD_BYTES + header.payloadBytes;
  return tail.length < length || hasZeroSector(tail.subarray(0, length), position, length);
}

/**
 * Whether one of the sectors that the first `span` bytes lie in is zero as far as `bytes` reaches. Looking at the
 * sector beyond the span keeps a header whose last bytes happen to be zeros from being taken for unwritten.
 */
function hasZeroSector(bytes: Buffer, position: number, span: number): boolean {
  let start = 0;
  while (start < span) {
    const end = Math.min(bytes.length, start + SECTOR_BYTES - ((position + start) % SECTOR_BYTES));
    if (bytes.subarray(start, end).every((byte) => byte === 0)) return true;
    start = end;
  }
  return false;
}

/** Whether a frame header with a right CRC stands anywhere behind the first byte. */
function hasFrameBehind(tail: Buffer): boolean {
  let at = tail.indexOf(FRAME_MAGIC, 1);
  while (at !== -1) {
    if (decodeFrameHeader(tail.subarray(at))) return true;
    at = tail.indexOf(FRAME_MAGIC, at + 1);
  }
  return false;
}
