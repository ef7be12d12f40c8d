// Header blocks of HTTP/2 from the frames that they come in (RFC 9113, 4.3).

import { joined } from "../buffers.ts";
import {
  ErrorCode,
  Flag,
  FRAME_HEAD_BYTES,
  type Frame,
  FrameType,
  frameOf,
  MAX_PAYLOAD_BYTES,
  payloadOf,
  SessionError,
} from "./frames.ts";

export interface HeaderBlock {
  readonly streamId: number;
  /** Whether the stream ends with it. */
  readonly isLast: boolean;
  readonly bytes: Buffer;
}

/** A dependency and a weight, in bytes, which say nothing any more. */
const PRIORITY_BYTES = 5;
/** Longer blocks are not read, as node:http2 has it, nor are those that come in more frames. */
const MAX_BLOCK_BYTES = 65_536;
const MAX_FRAMES = 16;

/** Puts blocks together. */
export class HeaderBlocks {
  #open: Omit<HeaderBlock, "bytes"> | undefined;
  #parts: Buffer[] = [];

  /** Throws a SessionError when a block has begun and `frame` is not the next part of it. */
  check({ type, streamId }: Frame): void {
    const isNext = type === FrameType.continuation && streamId === this.#open?.streamId;
    if (this.#open ? !isNext : type === FrameType.continuation) {
      throw new SessionError(ErrorCode.protocolError, "a header block is interrupted");
    }
  }

  /** Takes a frame that `check` has let pass, HEADERS or CONTINUATION; gives the block when it is complete. */
  push(frame: Frame): HeaderBlock | undefined {
    const { flags, streamId } = frame;
    const open = this.#open ?? { streamId, isLast: (flags & Flag.endStream) !== 0 };
    this.#parts.push(this.#open ? frame.bytes.subarray(FRAME_HEAD_BYTES) : fragmentOf(frame));
    if ((flags & Flag.endHeaders) === 0) {
      this.#open = open;
      const isTooLong = this.#parts.length >= MAX_FRAMES || lengthOf(this.#parts) > MAX_BLOCK_BYTES;
      if (isTooLong) throw new SessionError(ErrorCode.enhanceYourCalm, "a header block is too long");
      return undefined;
    }
    const bytes = joined(this.#parts);
    this.#open = undefined;
    this.#parts = [];
    return { ...open, bytes };
  }
}

/** The frames that a block goes out in. */
export function headerFrames({ streamId, isLast, bytes }: HeaderBlock): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += MAX_PAYLOAD_BYTES) {
    const part = bytes.subarray(at, at + MAX_PAYLOAD_BYTES);
    const endHeaders = at + part.length === bytes.length ? Flag.endHeaders : 0;
    const isFirst = at === 0;
    const flags = endHeaders | (isFirst && isLast ? Flag.endStream : 0);
    frames.push(frameOf(isFirst ? FrameType.headers : FrameType.continuation, flags, streamId, part));
  }
  return Buffer.concat(frames);
}

function fragmentOf(frame: Frame): Buffer {
  const payload = payloadOf(frame);
  if ((frame.flags & Flag.priority) === 0) return payload;
  if (payload.length < PRIORITY_BYTES)
    throw new SessionError(ErrorCode.frameSizeError, "a frame is too short");
  return payload.subarray(PRIORITY_BYTES);
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
