// The part of a session of HTTP/2 that node:http2 serves, as it sees it: a connection of its own, with numbers of streams
// of its own, as it gets only some of the client's, and not in their order.

import { Duplex } from "node:stream";
import { joined } from "../buffers.ts";
import { resetOf, windowUpdateOf } from "../http2/control-frames.ts";
import {
  Flag,
  FRAME_HEAD_BYTES,
  type Frame,
  FrameSplitter,
  FrameType,
  frameOf,
  MAX_PAYLOAD_BYTES,
  setStreamId,
} from "../http2/frames.ts";
import { headerFrames } from "../http2/header-blocks.ts";
import type { HeaderField } from "../http2/hpack.ts";
import { HpackEncoder } from "../http2/hpack-encoder.ts";
import { type PassedStream, PassedStreams } from "./passed-streams.ts";
import { FIRST_WINDOW_BYTES } from "./session-outlet.ts";

/** Hears of node:http2. */
export interface NodeListener {
  /** It sends a frame, with the client's number of the stream. */
  onNodeFrame(frame: Frame): void;
  /** It has much to read; and is ready for more. */
  onNodeBehind(): void;
  onNodeReady(): void;
  /** It has finished; or it has broken off, or was. */
  onNodeEnd(isBroken: boolean): void;
}

/**
 * So much of the window of the session it knows of at most, in bytes. What other answers take of that meanwhile, it sends too
 * much.
 */
export const ENOUGH_WINDOW_BYTES = 1024 * 1024;
/** It gets to know of more when it is as much, or when it has less, in bytes. */
const WINDOW_STEP_BYTES = 16_384;
/** More is not passed on while node:http2 does not read, in bytes. */
const MAX_UNREAD_BYTES = 256 * 1024;

export class NodeSession {
  /** The connection that node:http2 is to serve. */
  readonly connection: Duplex;
  readonly streams = new PassedStreams();
  readonly #listener: NodeListener;
  readonly #frames = new FrameSplitter();
  readonly #encoder = new HpackEncoder();
  #out: Buffer[] = [];
  /** What it knows of the window of the session, in bytes. */
  #window = FIRST_WINDOW_BYTES;
  /** Whose header block goes on perhaps. */
  #last: PassedStream | undefined;

  constructor(listener: NodeListener) {
    this.#listener = listener;
    this.connection = new Duplex({
      readableHighWaterMark: MAX_UNREAD_BYTES,
      read: () => listener.onNodeReady(),
      // At once: what a client leaves unread is bounded in that no more is read from it.
      write: (chunk: Buffer, _encoding, done) => {
        this.#frames.push(chunk, this.#onFrame);
        done();
      },
      final: (done) => {
        done();
        listener.onNodeEnd(false);
      },
      destroy: (_error, done) => {
        done(null);
        listener.onNodeEnd(true);
      },
    });
  }

  /** Breaks it off. */
  destroy(): void {
    this.connection.destroy();
  }

  /** The client breaks a stream off, or is said to. */
  reset(stream: PassedStream, code: number): void {
    this.send(resetOf(stream.nodeId, code));
    this.streams.resetByClient(stream);
  }

  /** The window of a stream grows, in bytes. */
  grow(stream: PassedStream, growth: number): void {
    this.send(windowUpdateOf(stream.nodeId, growth));
  }

  /** Lets it know of the window of the session, in which there is so much room, in bytes: of as much as it needs. */
  growSession(room: number): void {
    const growth = Math.min(room, ENOUGH_WINDOW_BYTES) - this.#window;
    const isMuch = growth >= WINDOW_STEP_BYTES || this.#window < WINDOW_STEP_BYTES;
    if (growth <= 0 || !isMuch) return;
    this.#window += growth;
    this.send(windowUpdateOf(0, growth));
  }

  /** Opens a stream with these header fields, with which it may end. */
  open(clientId: number, fields: readonly HeaderField[], isLast: boolean): PassedStream {
    const stream = this.streams.open(clientId);
    this.sendFields(stream, fields, isLast);
    return stream;
  }

  sendFields(stream: PassedStream, fields: readonly HeaderField[], isLast: boolean): void {
    this.send(headerFrames({ streamId: stream.nodeId, isLast, bytes: this.#encoder.encode(fields) }));
    if (isLast) this.streams.endByClient(stream);
  }

  sendBody(stream: PassedStream, body: Buffer, isLast: boolean): void {
    for (let at = 0; at < body.length; at += MAX_PAYLOAD_BYTES) {
      this.send(frameOf(FrameType.data, 0, stream.nodeId, body.subarray(at, at + MAX_PAYLOAD_BYTES)));
    }
    if (!isLast) return;
    this.send(frameOf(FrameType.data, Flag.endStream, stream.nodeId, Buffer.alloc(0)));
    this.streams.endByClient(stream);
  }

  /** Passes on a frame of the client, but for header blocks. */
  sendFrame(stream: PassedStream, { type, flags, bytes }: Frame): void {
    setStreamId(bytes, stream.nodeId);
    this.send(bytes);
    if (type === FrameType.rstStream) this.streams.resetByClient(stream);
    else if (type === FrameType.data && (flags & Flag.endStream) !== 0) this.streams.endByClient(stream);
  }

  /**
   * Passes on what is not of a stream. All of a turn is one piece: node:http2 takes one in each turn while it writes, and
   * has to see a flood as such.
   */
  send(bytes: Buffer): void {
    if (this.#out.push(bytes) === 1) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const bytes = joined(this.#out);
    this.#out = [];
    if (!this.connection.destroyed && !this.connection.push(bytes)) this.#listener.onNodeBehind();
  }

  readonly #onFrame = (frame: Frame): void => {
    const { type, flags, streamId, bytes } = frame;
    if (streamId === 0) {
      this.#listener.onNodeFrame(frame);
      return;
    }
    const stream = type === FrameType.continuation ? this.#last : this.streams.ofNode(streamId);
    this.#last = stream;
    // Of a stream that is over.
    if (!stream) return;
    if (type === FrameType.data) this.#window -= bytes.length - FRAME_HEAD_BYTES;
    const mayEnd = type === FrameType.data || type === FrameType.headers;
    if (type === FrameType.rstStream) this.streams.close(stream);
    else if (mayEnd && (flags & Flag.endStream) !== 0) this.streams.endByNode(stream);
    setStreamId(bytes, stream.clientId);
    this.#listener.onNodeFrame({ ...frame, streamId: stream.clientId });
  };
}
