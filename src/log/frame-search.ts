// Finds whole frames behind damage, where nothing says where the next one begins. They cannot stay where they are, as
// offsets before them are missing.

import { type LogFile, readFully } from "./files.ts";
import { decodeFrameHeader, FRAME_HEADER_BYTES, FRAME_MAGIC } from "./format.ts";
import { type Frame, FrameReader, isBad } from "./frame-reader.ts";
import { unreadable } from "./problem.ts";

/** How much is searched at a time. */
const WINDOW_BYTES = 1024 * 1024;

/** The whole frames of `file` from byte `from` on, in order. */
export async function* wholeFrames(file: LogFile, from: number): AsyncGenerator<Frame> {
  const size = await file.size();
  let position = from;
  for (;;) {
    const found = await findHeader(file, position, size);
    if (!found) return;
    const start = { position: found.position, nextOffset: found.firstOffset, crc: found.previousCrc };
    const reader = new FrameReader(file, start);
    let frame = await reader.next(size).catch(unreadable);
    while (frame && !isBad(frame)) {
      yield frame;
      frame = await reader.next(size).catch(unreadable);
    }
    position = Math.max(reader.position, found.position + 1);
  }
}

/** The next frame header with a right CRC at or behind byte `from`. */
async function findHeader(
  file: LogFile,
  from: number,
  size: number,
): Promise<{ position: number; firstOffset: number; previousCrc: number } | undefined> {
  const window = Buffer.allocUnsafe(Math.max(0, Math.min(WINDOW_BYTES, size - from)));
  // Windows overlap, so that a header across their border is found.
  for (let start = from; start < size; start += WINDOW_BYTES - FRAME_HEADER_BYTES + 1) {
    const count = await readFully(file, window, start).catch(unreadable);
    if (typeof count !== "number") continue;
    const bytes = window.subarray(0, count);
    for (let at = bytes.indexOf(FRAME_MAGIC); at !== -1; at = bytes.indexOf(FRAME_MAGIC, at + 1)) {
      const header = decodeFrameHeader(bytes.subarray(at));
      if (header) return { position: start + at, ...header };
    }
  }
  return undefined;
}
