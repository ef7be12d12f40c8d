// A connection over HTTP/1.1, for as long as nothing but plain requests for events comes by it, one at a time and
// each in one piece. Such a request costs half of what it costs with node:http, which makes a stream of each request and
// of each answer, and keeps time for both.
//
// It knows nothing else. At the first bytes that are something else, or only a part of something, and when a request does
// not end with success, node:http gets the connection with all that it has not answered, and keeps it.

import type { Socket } from "node:net";
import { httpDate } from "./http-date.ts";
import { plainHeadOf } from "./plain-head.ts";
import type { PlainEnd, PlainTaker, TakerOf } from "./plain-taker.ts";

export interface PlainConnectionOptions {
  readonly takerOf: TakerOf;
  /** Whether connections are about to end. */
  readonly isDraining: () => boolean;
  /** For how long clients may leave the connection idle, in ms. */
  readonly keepAliveMs: number;
  /** Gives the connection to node:http. */
  readonly leave: () => void;
}

/** The head that was taken last. Most clients send it again and again, but for the length of the body. */
interface KnownHead {
  /** What comes before the value of Content-Length, and behind it. */
  readonly start: string;
  readonly end: string;
  readonly taker: PlainTaker;
  /** The beginning of success answers. */
  readonly answerStart: string;
}

/** A connection is closed so much later than its client is told, in ms: so that none uses it at that moment. */
const KEEP_ALIVE_BUFFER_MS = 1000;
/** A longer head is not plain, in bytes. */
const MAX_HEAD_BYTES = 8192;
const LENGTH = /[1-9]\d{0,4}/y;
const EMPTY_LINE = Buffer.from("\r\n");

export class PlainConnection implements PlainEnd {
  readonly #socket: Socket;
  readonly #options: PlainConnectionOptions;
  readonly #keepAlive: string;
  #known: KnownHead | undefined;
  /** The request that is under way. */
  #current: Buffer | undefined;
  /** A request has come since it was looked last; and since when none has, in ms. */
  #isUsed = false;
  #idleSinceMs = Date.now();
  /** What has come behind it; the rest waits in the socket. */
  #next: Buffer | undefined;

  /** Begins to serve `socket`, to which nothing listens. */
  constructor(socket: Socket, options: PlainConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(options.keepAliveMs / 1000)}`;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    // A client that is gone: its socket is closed, and there is nobody to tell.
    socket.on("error", ignore);
  }

  /** Whether no request is under way. */
  get isIdle(): boolean {
    return this.#current === undefined;
  }

  /** To be called now and then: closes the connection when its client has left it idle for as long as it may. */
  sweep(nowMs: number): void {
    if (this.#isUsed || this.#current) {
      this.#isUsed = false;
      this.#idleSinceMs = nowMs;
    } else if (nowMs - this.#idleSinceMs >= this.#options.keepAliveMs + KEEP_ALIVE_BUFFER_MS) {
      this.#socket.destroy();
    }
  }

  answer(body: string): void {
    const socket = this.#socket;
    const next = this.#next;
    const known = this.#known;
    const isLast = socket.readableEnded || (this.#options.isDraining() && next === undefined);
    this.#current = undefined;
    this.#isUsed = true;
    if (!known || socket.destroyed) return;
    socket.write(
      `${known.answerStart}content-length: ${body.length}\r\nDate: ${httpDate()}\r\n${
        isLast ? "Connection: close" : this.#keepAlive
      }\r\n\r\n${body}`,
      "latin1",
    );
    if (isLast) socket.destroySoon();
    else if (next) this.#leave(next);
  }

  full(): void {
    const socket = this.#socket;
    const [current, next] = [this.#current, this.#next];
    // Nothing can be put back behind the end. A client that has closed its side gets no answer from node:http either.
    if (socket.readableEnded) socket.destroy();
    if (current && !socket.destroyed) this.#leave(next ? Buffer.concat([current, next]) : current);
  }

  fail(): void {
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#current) {
      this.#next = chunk;
      this.#socket.pause();
      return;
    }
    // As some clients send it behind a body, and as it says nothing (RFC 9112, 2.2).
    if (chunk.equals(EMPTY_LINE)) return;
    // Whoever does not read its answers is waited for by node:http.
    const isForNode = this.#options.isDraining() || this.#socket.writableNeedDrain;
    const bodyAt = isForNode ? undefined : this.#bodyOf(chunk);
    if (bodyAt === undefined) {
      this.#leave(chunk);
      return;
    }
    this.#current = chunk;
    this.#known?.taker.take(chunk.subarray(bodyAt), this);
  };

  readonly #onEnd = (): void => {
    if (!this.#current) this.#socket.end();
  };

  /** Where the body begins in bytes that are one plain request, whose head is the known one then. */
  #bodyOf(chunk: Buffer): number | undefined {
    const { length } = chunk;
    const text = textOf(chunk, 0, MAX_HEAD_BYTES);
    if (this.#known) {
      const bodyAt = bodyBehind(this.#known, text, length);
      if (bodyAt !== undefined) return bodyAt;
    }
    const head = plainHeadOf(text);
    if (!head || head.length + head.bodyLength !== length) return undefined;
    const taker = this.#options.takerOf(head, this.#socket.remoteAddress);
    // An answer without a length is for node:http to send in parts.
    if (!taker?.shape.hasLength) return undefined;
    const fields = Object.entries(taker.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const endAt = head.bodyLengthAt + String(head.bodyLength).length;
    this.#known = {
      start: textOf(chunk, 0, head.bodyLengthAt),
      end: textOf(chunk, endAt, head.length),
      taker,
      answerStart: `HTTP/1.1 200 OK\r\n${fields.join("")}`,
    };
    return head.length;
  }

  /** Gives the connection to node:http, with what it is to answer. */
  #leave(unanswered: Buffer): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("error", ignore);
    socket.pause();
    socket.unshift(unanswered);
    this.#options.leave();
    socket.resume();
  }
}

function ignore(): void {}

/** Where the body begins in `text`, the first bytes of `length`, if it is one request with that head. */
function bodyBehind({ start, end }: KnownHead, text: string, length: number): number | undefined {
  if (!text.startsWith(start)) return undefined;
  LENGTH.lastIndex = start.length;
  const digits = LENGTH.exec(text)?.[0];
  if (digits === undefined || !text.startsWith(end, LENGTH.lastIndex)) return undefined;
  const bodyAt = LENGTH.lastIndex + end.length;
  return bodyAt + Number(digits) === length ? bodyAt : undefined;
}

/** A text of its own: a part of a longer one would keep all of that. */
function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
