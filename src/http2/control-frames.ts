// Frames of HTTP/2 that say one thing (RFC 9113, 6.4, 6.8 and 6.9).

import {
  ErrorCode,
  FRAME_HEAD_BYTES,
  type Frame,
  FrameType,
  frameOf,
  MAX_STREAM_ID,
  SessionError,
} from "./frames.ts";

/** The stream ends, for the reason with this code. */
export function resetOf(streamId: number, code: number): Buffer {
  return frameOf(FrameType.rstStream, 0, streamId, numbers(code));
}

/** The session ends, for the reason with this code: streams behind the last one are not carried out. */
export function goawayOf(lastStreamId: number, code: number): Buffer {
  return frameOf(FrameType.goaway, 0, 0, numbers(lastStreamId, code));
}

/** A window grows, in bytes: that of a stream, or, with 0, that of the session. */
export function windowUpdateOf(streamId: number, growth: number): Buffer {
  return frameOf(FrameType.windowUpdate, 0, streamId, numbers(growth));
}

/** The number that is the payload of RST_STREAM or WINDOW_UPDATE. Throws a SessionError when that is anything else. */
export function numberOf({ bytes }: Frame): number {
  if (bytes.length !== FRAME_HEAD_BYTES + NUMBER_BYTES) {
    throw new SessionError(ErrorCode.frameSizeError, "a frame that has one number has another length");
  }
  return bytes.readUInt32BE(FRAME_HEAD_BYTES) & MAX_STREAM_ID;
}

const NUMBER_BYTES = 4;

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER_BYTES * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, NUMBER_BYTES * index);
  return bytes;
}
