// The success answers to plain requests over HTTP/2, as frames.

import { Flag, FRAME_HEAD_BYTES, FrameType, writeFrameHead } from "../http2/frames.ts";
import { literalBlock } from "../http2/hpack.ts";
import { GRPC_OK } from "./envelope.ts";
import { httpDate } from "./http-date.ts";
import type { PlainTaker } from "./plain-taker.ts";

/** `:status: 200` of the static table (RFC 7541, A). */
const STATUS_OK = Buffer.of(0x88);
const TRAILERS = blockOf(GRPC_OK);

export class PlainAnswer {
  readonly #taker: PlainTaker;
  /** The header block without the length, and for which date and length it is. */
  #block = Buffer.alloc(0);
  #date = "";
  #length = 0;

  constructor(taker: PlainTaker) {
    this.#taker = taker;
  }

  /** The frames that answer on a stream with `body`, a text with a character for each byte. */
  framesOf(streamId: number, body: string): Buffer {
    const block = this.#blockOf(body.length);
    const { hasTrailers } = this.#taker.shape;
    const trailerBytes = hasTrailers ? FRAME_HEAD_BYTES + TRAILERS.length : 0;
    const bytes = Buffer.allocUnsafe(2 * FRAME_HEAD_BYTES + block.length + body.length + trailerBytes);
    let at = writeFrameHead(bytes, 0, block.length, FrameType.headers, Flag.endHeaders, streamId);
    at += block.copy(bytes, at);
    at = writeFrameHead(bytes, at, body.length, FrameType.data, hasTrailers ? 0 : Flag.endStream, streamId);
    at += bytes.write(body, at, "latin1");
    if (hasTrailers) {
      const flags = Flag.endHeaders | Flag.endStream;
      at = writeFrameHead(bytes, at, TRAILERS.length, FrameType.headers, flags, streamId);
      TRAILERS.copy(bytes, at);
    }
    return bytes;
  }

  #blockOf(length: number): Buffer {
    const date = httpDate();
    const { shape, headers } = this.#taker;
    if (date !== this.#date || (shape.hasLength && length !== this.#length)) {
      this.#date = date;
      this.#length = length;
      const fields = { ...headers, ...(shape.hasLength && { "content-length": String(length) }), date };
      this.#block = Buffer.concat([STATUS_OK, blockOf(fields)]);
    }
    return this.#block;
  }
}

function blockOf(fields: Readonly<Record<string, string>>): Buffer {
  return literalBlock(Object.entries(fields).map(([name, value]) => ({ name, value })));
}
