// The frames of HTTP/2 (RFC 9113, 4.1), as far as whoever stands between two ends has to know them.

import { ownCopy } from "../buffers.ts";

/** The numbers of frame types (RFC 9113, 6). */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** The bits of frames' flags; ACK has the same bit as END_STREAM. */
export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

/** Why a session or a stream ends (RFC 9113, 7). */
export const ErrorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  frameSizeError: 6,
  refusedStream: 7,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const;

export const FRAME_HEAD_BYTES = 9;
/** The longest payload, in bytes, as long as nobody asks for more: SETTINGS_MAX_FRAME_SIZE begins with it. */
export const MAX_PAYLOAD_BYTES = 16_384;
/** Of 31 bits; the highest bit is reserved. */
export const MAX_STREAM_ID = 0x7f_ff_ff_ff;
const STREAM_ID_AT = 5;

/** What the peer does is no HTTP/2: its session cannot go on. */
export class SessionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  /** 0 is the session. */
  readonly streamId: number;
  /** All of it, with its head. */
  readonly bytes: Buffer;
}

/** A frame with this payload. */
export function frameOf(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  writeFrameHead(bytes, 0, payload.length, type, flags, streamId);
  payload.copy(bytes, FRAME_HEAD_BYTES);
  return bytes;
}

/** Writes the head of a frame at `at`; gives where its payload begins. */
export function writeFrameHead(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  bytes.writeUInt32BE(length * 256 + type, at);
  bytes[at + 4] = flags;
  return bytes.writeUInt32BE(streamId, at + STREAM_ID_AT);
}

/** Makes a frame one of this stream. */
export function setStreamId(frame: Buffer, streamId: number): void {
  frame.writeUInt32BE(streamId, STREAM_ID_AT);
}

/** The payload of a frame without its padding; SessionError when that is longer than all. */
export function payloadOf({ flags, bytes }: Frame): Buffer {
  if ((flags & Flag.padded) === 0) return bytes.subarray(FRAME_HEAD_BYTES);
  const padding = bytes[FRAME_HEAD_BYTES];
  const end = bytes.length - (padding ?? Number.POSITIVE_INFINITY);
  if (end <= FRAME_HEAD_BYTES) throw new SessionError(ErrorCode.protocolError, "a frame is all padding");
  return bytes.subarray(FRAME_HEAD_BYTES + 1, end);
}

/** Cuts bytes, as they come, into frames. */
export class FrameSplitter {
  /** The beginning of a frame. */
  #rest: Buffer | undefined;

  /**
   * Calls back for each frame that is complete now; they lie in the memory of `chunk`, or in their own. Throws a
   * SessionError at a frame that is longer than we take.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let at = this.#finishRest(chunk, onFrame);
    while (chunk.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + payloadLengthAt(chunk, at);
      if (end > chunk.length) break;
      onFrame(frameAt(chunk, at, end));
      at = end;
    }
    if (at < chunk.length) this.#rest = ownCopy(chunk.subarray(at));
  }

  /** Completes the frame that has begun; gives where in `chunk` the next one begins. */
  #finishRest(chunk: Buffer, onFrame: (frame: Frame) => void): number {
    let rest = this.#rest;
    if (!rest) return 0;
    let at = 0;
    for (let length = knownLengthOf(rest); rest.length < length; length = knownLengthOf(rest)) {
      if (at === chunk.length) {
        this.#rest = rest;
        return at;
      }
      const part = chunk.subarray(at, at + length - rest.length);
      at += part.length;
      rest = Buffer.concat([rest, part]);
    }
    this.#rest = undefined;
    onFrame(frameAt(rest, 0, rest.length));
    return at;
  }
}

/** How long the frame is that begins so; before its head is complete, that of the head. */
function knownLengthOf(begun: Buffer): number {
  return FRAME_HEAD_BYTES + (begun.length < FRAME_HEAD_BYTES ? 0 : payloadLengthAt(begun, 0));
}

function payloadLengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUIntBE(at, 3);
  if (length > MAX_PAYLOAD_BYTES) throw new SessionError(ErrorCode.frameSizeError, "a frame is too long");
  return length;
}

function frameAt(bytes: Buffer, at: number, end: number): Frame {
  return {
    type: bytes.readUInt8(at + 3),
    flags: bytes.readUInt8(at + 4),
    streamId: bytes.readUInt32BE(at + STREAM_ID_AT) & MAX_STREAM_ID,
    bytes: bytes.subarray(at, end),
  };
}
