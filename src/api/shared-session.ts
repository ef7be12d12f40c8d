// A session of HTTP/2 that two serve: plain requests for events are answered here, and all else is node:http2's,
// which has a session of its own with what is left and knows nothing of the rest. A plain request costs a quarter of
// what it costs with node:http2, which makes an object of each stream, in C++ and in JavaScript, and keeps it long.
//
// node:http2 governs the session: its settings, pings and closing pass through, both ways. What is done here is what two
// parties on one session need: streams have other numbers for node:http2; header blocks, which depend on the ones
// before, are decoded, and encoded anew for it; and its frames wait where the window of the session, of which answers
// given here take a part, has no room for them (RFC 9113, 4.3, 5.1.1 and 5.2).
//
// Of what a request may be and how it may end, this knows only the plain one that ends with success. A stream is held
// until it is known to be that; when it is not, node:http2 gets all of it.

import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import {
  forEachSetting,
  goawayOf,
  isAnswerTo,
  numberOf,
  pingOf,
  resetOf,
  windowUpdateOf,
} from "../http2/control-frames.ts";
import {
  ErrorCode,
  Flag,
  FRAME_HEAD_BYTES,
  type Frame,
  FrameSplitter,
  FrameType,
  MAX_STREAM_ID,
  SessionError,
} from "../http2/frames.ts";
import { type HeaderBlock, HeaderBlocks } from "../http2/header-blocks.ts";
import { HpackError } from "../http2/hpack.ts";
import { HeldStream, type StreamOwner } from "./held-stream.ts";
import { HeldStreams } from "./held-streams.ts";
import { ENOUGH_WINDOW_BYTES, type NodeListener, NodeSession } from "./node-session.ts";
import { PlainHeads } from "./plain-heads.ts";
import type { TakerOf } from "./plain-taker.ts";
import { FIRST_WINDOW_BYTES, MAX_WINDOW_BYTES, SessionOutlet } from "./session-outlet.ts";

export interface SharedSessionOptions {
  readonly takerOf: TakerOf;
  /** Lets node:http2 end its session. */
  readonly close: () => void;
  /** How long lists of header fields may be (RFC 9113, 6.5.2), in bytes, as node:http2 has it. */
  readonly maxHeaderListBytes: number;
  readonly maxConcurrentStreams: number;
  /** Within how many ms the first request must have come, but for its body. */
  readonly headersTimeoutMs: number;
  readonly logger: Logger;
}

const PREFACE_BYTES = 24;
const Setting = { headerTableSize: 1, initialWindowSize: 4 } as const;
/** The size that the tables of decoders begin with, in bytes (RFC 9113, 6.5.2). */
const HEADER_TABLE_BYTES = 4096;
/** No answer is longer, in bytes. */
const ANSWER_WINDOW_BYTES = 1024;
/** The client gets back for its window what was taken here when it is as much, in bytes. */
const WINDOW_STEP_BYTES = 16_384;
/** Nothing more is read from a client that has not read as much, in bytes. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** A client for which more waits, in bytes, asks without end and does not take the answers. */
const MAX_WAITING_BYTES = 4 * ENOUGH_WINDOW_BYTES;
const PING_BYTES = 8;
/** A ping that asks a client whether it has heard of the end. */
const FAREWELL = pingOf(Buffer.from("farewell"));
/** For how long the answer is waited for, in ms. */
const FAREWELL_MS = 500;

export class SharedSession implements NodeListener, StreamOwner {
  readonly #socket: Socket;
  readonly #options: SharedSessionOptions;
  readonly #outlet: SessionOutlet;
  readonly #node = new NodeSession(this);

  #prefaceLeft = PREFACE_BYTES;
  readonly #frames = new FrameSplitter();
  readonly #blocks = new HeaderBlocks();
  readonly #heads: PlainHeads;
  /** Of all streams of the client. */
  #lastId = 0;

  /** Until they are answered, or are node:http2's. */
  readonly #held = new HeldStreams();
  /** What was taken here, and the client has not got back for its window, in bytes. */
  #taken = 0;
  /** The client has room for what answers given here need. */
  #hasTable = true;
  #hasWindow = true;
  /** What is done when no stream is held any more; until then, none is held anew. */
  #deferred: (() => void)[] = [];

  /** node:http2 has begun: its settings must be what the client gets first. */
  #hasBegun = false;
  /** Until when the client may say that it has heard of the end. */
  #farewell: NodeJS.Timeout | undefined;
  /** Asks node:http2 whether it has read all that goes on, before it ends its session; then no stream is held any more. */
  #lastPing: Buffer | undefined;
  /** Streams are not carried out any more that the client opens; the last one that is was said to be this one. */
  #isLeaving = false;
  #lastSaid = MAX_STREAM_ID;
  /** node:http2 has much to read, so that no more is read from the client. */
  #isNodeBehind = false;
  /** node:http2 has finished, and has broken off perhaps. */
  #isNodeDone = false;
  #isBroken = false;

  /** Begins to serve `socket`, to which nothing listens, from the preface on. */
  constructor(socket: Socket, options: SharedSessionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#outlet = new SessionOutlet(socket);
    this.#heads = new PlainHeads(options.maxHeaderListBytes, options.takerOf, socket.remoteAddress);
    socket.setNoDelay();
    socket.on("data", this.#onData);
    socket.on("drain", () => this.#resume());
    socket.on("end", () => this.#node.destroy());
    // More than once: a client that has been told of the end may leave its side open.
    const waiting = setInterval(() => {
      if (this.#lastId > 0) clearInterval(waiting);
      else this.leave();
    }, options.headersTimeoutMs);
    socket.on("close", () => {
      clearInterval(waiting);
      this.#node.destroy();
    });
    // A client that is gone: there is nobody to tell.
    socket.on("error", () => {});
  }

  /** The connection that node:http2 is to serve. */
  get nodeConnection(): Duplex {
    return this.#node.connection;
  }

  /**
   * Ends the session when its streams are answered. The client is told of it and asked to say that it has heard, so that
   * all is answered that it has sent before (RFC 9113, 6.8).
   */
  leave(): void {
    // The client has the end, and does not close its side.
    if (this.#isNodeDone) this.#socket.destroy();
    if (this.#isLeaving || this.#farewell) return;
    this.#farewell = setTimeout(() => this.#close(), FAREWELL_MS);
    this.#sayFarewell();
  }

  #sayFarewell(): void {
    // Nothing comes before the settings.
    if (!this.#hasBegun && !this.#isNodeDone) setImmediate(() => this.#sayFarewell());
    else this.#outlet.sendNow(Buffer.concat([goawayOf(MAX_STREAM_ID, ErrorCode.noError), FAREWELL]));
  }

  #close(): void {
    clearTimeout(this.#farewell);
    if (this.#lastPing) return;
    const ping = pingOf(randomBytes(PING_BYTES));
    this.#lastPing = ping;
    this.#whenNoneIsHeld(() => this.#node.send(ping));
  }

  /** node:http2 is to know of all that goes on before it ends the session, or agrees to what may not go on. */
  #whenNoneIsHeld(action: () => void): void {
    this.#deferred.push(action);
    for (const stream of this.#held.untaken) this.#pass(stream, false);
    this.#onUnheld();
  }

  // From the client

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isBroken) return;
    const preface = chunk.subarray(0, this.#prefaceLeft);
    this.#prefaceLeft -= preface.length;
    if (preface.length > 0) this.#node.send(preface);
    try {
      this.#frames.push(chunk.subarray(preface.length), this.#onFrame);
    } catch (error) {
      this.#breakOff(error);
    }
    if (this.#outlet.waitingBytes > MAX_WAITING_BYTES) {
      this.#breakOff(new SessionError(ErrorCode.enhanceYourCalm, "too many answers wait for the window"));
    }
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) this.#socket.pause();
  };

  #resume(): void {
    if (!this.#isNodeBehind && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  readonly #onFrame = (frame: Frame): void => {
    this.#blocks.check(frame);
    switch (frame.type) {
      case FrameType.data:
        this.#onDataFrame(frame);
        break;
      case FrameType.headers:
      case FrameType.continuation: {
        const block = this.#blocks.push(frame);
        if (block) this.#onBlock(block);
        break;
      }
      case FrameType.rstStream:
        this.#onReset(frame);
        break;
      case FrameType.windowUpdate:
        this.#onWindowUpdate(frame);
        break;
      case FrameType.settings:
        this.#onSettings(frame);
        this.#node.send(frame.bytes);
        break;
      case FrameType.ping:
        if (this.#farewell && isAnswerTo(FAREWELL, frame)) this.#close();
        else this.#node.send(frame.bytes);
        break;
      case FrameType.goaway:
        this.#whenNoneIsHeld(() => this.#node.send(frame.bytes));
        break;
      case FrameType.pushPromise:
        throw new SessionError(ErrorCode.protocolError, "a client promises a stream");
      default:
      // Priorities say nothing any more, and unknown frames are to be ignored (RFC 9113, 5.3.2 and 5.5).
    }
  };

  #onBlock({ streamId, isLast, bytes }: HeaderBlock): void {
    // Each block counts for the ones behind it, whatever becomes of its stream.
    const decoded = this.#heads.decode(bytes);
    if (streamId % 2 === 0)
      throw new SessionError(ErrorCode.protocolError, "header fields of an even stream");
    if (!decoded) {
      this.#onTooLong(streamId);
      return;
    }
    const { fields, head } = decoded;
    if (streamId <= this.#lastId) {
      const held = this.#held.get(streamId);
      if (held?.isTaken === false) this.#pass(held, false);
      const stream = this.#node.streams.ofClient(streamId);
      // Without one, they are behind the end of a stream, or its reset, which the client may not know yet.
      if (stream) this.#node.sendFields(stream, fields, isLast);
      return;
    }
    this.#lastId = streamId;
    if (this.#isLeaving) return;
    if (head && !isLast && this.#mayHold) this.#held.add(new HeldStream(streamId, head, this));
    else this.#node.open(streamId, fields, isLast);
  }

  /** A list of header fields is too long: its stream ends, and no part of the list is anybody's. */
  #onTooLong(streamId: number): void {
    const isNew = streamId > this.#lastId;
    const held = this.#held.get(streamId);
    const stream = this.#node.streams.ofClient(streamId);
    if (isNew) this.#lastId = streamId;
    if (held?.isTaken === false) this.#reset(held, ErrorCode.enhanceYourCalm);
    if (stream) this.#node.reset(stream, ErrorCode.enhanceYourCalm);
    if (stream || (isNew && !this.#isLeaving)) {
      this.#outlet.send(resetOf(streamId, ErrorCode.enhanceYourCalm), 0);
    }
  }

  /** Whether the settings of the client allow what answers given here are. */
  get #mayAnswer(): boolean {
    return this.#hasTable && this.#hasWindow;
  }

  get #mayHold(): boolean {
    const isReady = this.#hasBegun && !this.#lastPing && this.#deferred.length === 0;
    const hasRoom = this.#outlet.waitingBytes === 0 && this.#held.size < this.#options.maxConcurrentStreams;
    return isReady && hasRoom && this.#mayAnswer;
  }

  #onDataFrame(frame: Frame): void {
    const { streamId, flags, bytes } = frame;
    const length = bytes.length - FRAME_HEAD_BYTES;
    const held = this.#held.get(streamId);
    if (held?.isTaken === false) {
      // Padding is not a part of the body, and still of the window: node:http2 can keep the two apart.
      const isPlain = (flags & Flag.padded) === 0;
      const isLast = (flags & Flag.endStream) !== 0;
      if (isPlain && this.#held.addPart(held, bytes.subarray(FRAME_HEAD_BYTES), isLast)) {
        if (isLast && !held.take()) this.#pass(held, true);
        return;
      }
      this.#pass(held, false);
    }
    const stream = this.#node.streams.ofClient(streamId);
    if (stream) this.#node.sendFrame(stream, frame);
    else {
      this.#checkWasOpen(streamId);
      this.#giveBack(length);
    }
  }

  #onReset(frame: Frame): void {
    const { streamId } = frame;
    numberOf(frame);
    const held = this.#held.get(streamId);
    const stream = this.#node.streams.ofClient(streamId);
    if (held) {
      this.#release(held);
      this.#onUnheld();
    } else if (stream) this.#node.sendFrame(stream, frame);
    else this.#checkWasOpen(streamId);
  }

  #onWindowUpdate(frame: Frame): void {
    const { streamId } = frame;
    const growth = numberOf(frame);
    if (growth === 0) throw new SessionError(ErrorCode.protocolError, "a window grows by nothing");
    if (streamId === 0) {
      this.#outlet.grow(growth);
      this.#node.growSession(this.#outlet.room);
      this.#endIfDone();
      return;
    }
    const held = this.#held.get(streamId);
    const stream = this.#node.streams.ofClient(streamId);
    if (stream) this.#node.sendFrame(stream, frame);
    // Answers given here need no more window than streams begin with; node:http2's may.
    else if (held) held.growth += growth;
    else this.#checkWasOpen(streamId);
    if (held && held.growth > MAX_WINDOW_BYTES - FIRST_WINDOW_BYTES) {
      throw new SessionError(ErrorCode.flowControlError, "a window is too large");
    }
  }

  #onSettings(frame: Frame): void {
    forEachSetting(frame, (id, value) => {
      // Once a table has become smaller, the next block has to say so, which is to be node:http2's.
      if (id === Setting.headerTableSize && value < HEADER_TABLE_BYTES) this.#hasTable = false;
      if (id === Setting.initialWindowSize) this.#hasWindow = value >= ANSWER_WINDOW_BYTES;
    });
    if (this.#mayAnswer) return;
    for (const stream of this.#held.untaken) this.#pass(stream, false);
  }

  /** Throws a SessionError for a stream that the client has never opened. */
  #checkWasOpen(streamId: number): void {
    if (streamId % 2 === 0 || streamId > this.#lastId) {
      throw new SessionError(ErrorCode.protocolError, `stream ${streamId} is not open`);
    }
  }

  // From node:http2

  onNodeFrame(frame: Frame): void {
    const { type, flags, streamId, bytes } = frame;
    this.#hasBegun = true;
    if (this.#lastPing && isAnswerTo(this.#lastPing, frame)) {
      this.#options.close();
      return;
    }
    const isAck = type === FrameType.settings && (flags & Flag.ack) !== 0;
    if (isAck && !this.#mayAnswer && this.#held.size > 0) {
      // What is answered here meanwhile does not keep to them.
      this.#whenNoneIsHeld(() => this.#outlet.send(bytes, 0));
      return;
    }
    if (type === FrameType.goaway) this.#onNodeLeaving(bytes);
    // A client that waits for them may be the one whose window is waited for.
    if (streamId === 0 || type === FrameType.windowUpdate) this.#outlet.sendNow(bytes);
    else {
      const cost = type === FrameType.data ? bytes.length - FRAME_HEAD_BYTES : 0;
      this.#outlet.send(bytes, cost);
      this.#node.growSession(this.#outlet.room);
    }
  }

  onNodeBehind(): void {
    this.#isNodeBehind = true;
    this.#socket.pause();
  }

  onNodeReady(): void {
    if (!this.#isNodeBehind) return;
    this.#isNodeBehind = false;
    this.#resume();
  }

  /** All streams that the client has opened are carried out, but for those that node:http2 has not read. */
  #onNodeLeaving(goaway: Buffer): void {
    this.#isLeaving = true;
    for (const stream of this.#node.streams.behind(goaway.readUInt32BE(FRAME_HEAD_BYTES))) {
      this.#node.streams.close(stream);
      this.#outlet.send(resetOf(stream.clientId, ErrorCode.refusedStream), 0);
    }
    this.#lastSaid = Math.min(this.#lastSaid, this.#lastId);
    goaway.writeUInt32BE(this.#lastSaid, FRAME_HEAD_BYTES);
  }

  onNodeEnd(isBroken: boolean): void {
    this.#isNodeDone = true;
    this.#isLeaving = true;
    clearTimeout(this.#farewell);
    if (isBroken) {
      this.#isBroken = true;
      for (const stream of this.#held.untaken) this.#release(stream);
    }
    this.#endIfDone();
  }

  // How held streams end

  onAnswer(stream: HeldStream, body: string): void {
    if (!this.#release(stream)) return;
    this.#outlet.send(stream.head.answer.framesOf(stream.id, body), body.length);
    this.#onUnheld();
  }

  onFull(stream: HeldStream): void {
    this.#pass(stream, true);
  }

  onFail(stream: HeldStream): void {
    this.#reset(stream, ErrorCode.internalError);
  }

  #reset(stream: HeldStream, code: number): void {
    if (!this.#release(stream)) return;
    this.#outlet.send(resetOf(stream.id, code), 0);
    this.#onUnheld();
  }

  /** Makes it a stream of node:http2's, whose body has ended or goes on. */
  #pass(stream: HeldStream, isEnded: boolean): void {
    if (this.#isLeaving) {
      // node:http2 takes no new streams. Nothing was done, so it can be sent again (RFC 9113, 8.7).
      this.#reset(stream, ErrorCode.refusedStream);
      return;
    }
    if (!this.#held.delete(stream)) return;
    const passed = this.#node.open(stream.id, stream.head.fields, false);
    if (stream.growth > 0) this.#node.grow(passed, stream.growth);
    this.#node.sendBody(passed, stream.body, isEnded);
    this.#onUnheld();
  }

  /** A stream is not held any more, and what it was answered here has been sent. */
  #onUnheld(): void {
    if (this.#held.size === 0) for (const action of this.#deferred.splice(0)) action();
    this.#endIfDone();
  }

  /** Lets go of a stream that ends here; false when the client has reset it before. */
  #release(stream: HeldStream): boolean {
    if (!this.#held.delete(stream)) return false;
    this.#giveBack(stream.bytes);
    return true;
  }

  /** The client may send so many bytes more: those that it has sent need no room any more. */
  #giveBack(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < WINDOW_STEP_BYTES) return;
    this.#outlet.sendNow(windowUpdateOf(0, this.#taken));
    this.#taken = 0;
  }

  // How the session ends

  /** The client does not keep to the protocol, or this does not. */
  #breakOff(error: unknown): void {
    if (!(error instanceof SessionError || error instanceof HpackError)) {
      this.#options.logger.error({ err: error }, "a session of HTTP/2 failed");
    }
    this.#outlet.sendNow(goawayOf(Math.min(this.#lastSaid, this.#lastId), codeOf(error)));
    this.#node.destroy();
  }

  /** Ends the session when nobody has anything to say any more. */
  #endIfDone(): void {
    if (!this.#isNodeDone || this.#held.size > 0) return;
    if (this.#isBroken) {
      this.#outlet.flush();
      this.#socket.destroySoon();
    } else if (this.#outlet.waitingBytes === 0) {
      this.#outlet.flush();
      this.#socket.end();
    }
  }
}

function codeOf(error: unknown): number {
  if (error instanceof SessionError) return error.code;
  return error instanceof HpackError ? ErrorCode.compressionError : ErrorCode.internalError;
}
