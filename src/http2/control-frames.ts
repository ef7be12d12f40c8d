// Frames of HTTP/2 that have no part of a request in them (RFC 9113, 6.4 to 6.9).

import {
  ErrorCode,
  Flag,
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

/** Asks whether all before it was read, with this payload of eight bytes. */
export function pingOf(payload: Buffer): Buffer {
  return frameOf(FrameType.ping, 0, 0, payload);
}

/** Whether a frame is the answer to that ping. */
export function isAnswerTo(ping: Buffer, { type, flags, bytes }: Frame): boolean {
  const isAck = type === FrameType.ping && (flags & Flag.ack) !== 0;
  return isAck && bytes.subarray(FRAME_HEAD_BYTES).equals(ping.subarray(FRAME_HEAD_BYTES));
}

/** Gives the settings of a SETTINGS frame to `onSetting`, by their numbers (RFC 9113, 6.5.2); none of an acknowledgement. */
export function forEachSetting(
  { flags, bytes }: Frame,
  onSetting: (id: number, value: number) => void,
): void {
  if ((flags & Flag.ack) !== 0) return;
  for (let at = FRAME_HEAD_BYTES; at + SETTING_BYTES <= bytes.length; at += SETTING_BYTES) {
    onSetting(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }
}

const SETTING_BYTES = 6;

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
