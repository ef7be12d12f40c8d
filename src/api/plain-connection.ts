// A connection over HTTP/1.1, for as long as nothing but plain requests for single events comes by it, one at a time and
// each in one piece. Such a request costs half of what it costs with node:http, which makes a stream of each request and
// of each answer, and keeps time for both.
//
// It knows nothing else. At the first bytes that are something else, or only a part of something, and when a request does
// not end with success, node:http gets the connection with all that it has not answered, and keeps it.

import type { Socket } from "node:net";
import { type PlainHead, plainHeadOf } from "./plain-head.ts";

/** How requests with a certain head are taken. */
export interface PlainTaker {
  readonly contentType: string;
  /** Takes a body, and calls back once, later. */
  take(body: Buffer, end: PlainEnd): void;
}

/** How a request ends, in one of three ways. */
export interface PlainEnd {
  /** Success, with this body. */
  answer(body: Buffer): void;
  /** Nothing was done. */
  full(): void;
  /** There is no answer. */
  fail(): void;
}

export interface PlainConnectionOptions {
  /** How requests with a head from `peer`, an address, are taken; undefined when they are not plain. */
  readonly takerOf: (head: PlainHead, peer: string | undefined) => PlainTaker | undefined;
  /** Whether connections are about to end. */
  readonly isDraining: () => boolean;
  /** Hears when a request is under way, when none is any more, and (undefined) when the connection is node:http's. */
  readonly onState: (state: PlainState | undefined) => void;
  /** A connection on which nothing happens for so long ends, in ms. */
  readonly keepAliveMs: number;
  /** Gives the connection to node:http. */
  readonly leave: () => void;
}

export type PlainState = "idle" | "busy";

/** The head that was taken last. Most clients send it again and again, but for the length of the body. */
interface KnownHead {
  /** What comes before the value of Content-Length, and behind it. */
  readonly start: string;
  readonly end: string;
  readonly taker: PlainTaker;
}

/** A longer head is not plain, in bytes. */
const MAX_HEAD_BYTES = 8192;
const LENGTH = /[1-9]\d{0,4}/y;

export class PlainConnection implements PlainEnd {
  readonly #socket: Socket;
  readonly #options: PlainConnectionOptions;
  readonly #keepAlive: string;
  #known: KnownHead | undefined;
  /** The request that is under way. */
  #current: Buffer | undefined;
  /** What has come behind it. */
  #next: Buffer[] = [];

  /** Begins to serve `socket`, to which nothing listens. */
  constructor(socket: Socket, options: PlainConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(options.keepAliveMs / 1000)}`;
    options.onState("idle");
    socket.setTimeout(options.keepAliveMs);
    socket.on("timeout", this.#onTimeout);
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    // A client that is gone: its socket is closed, and there is nobody to tell.
    socket.on("error", ignore);
  }

  answer(body: Buffer): void {
    const socket = this.#socket;
    const { onState, isDraining } = this.#options;
    const contentType = this.#known?.taker.contentType;
    const isBehindUs = this.#next.length > 0;
    const isLast = socket.readableEnded || (isDraining() && !isBehindUs);
    this.#current = undefined;
    onState("idle");
    if (socket.destroyed) return;
    const isTaken = socket.write(
      `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${body.length}\r\nDate: ${httpDate()}\r\n${
        isLast ? "Connection: close" : this.#keepAlive
      }\r\n\r\n${body.toString("latin1")}`,
      "latin1",
    );
    if (isLast) socket.destroySoon();
    else if (isBehindUs || !isTaken) this.#leave(this.#next);
  }

  full(): void {
    const unanswered = this.#current ? [this.#current, ...this.#next] : this.#next;
    // Nothing can be put back behind the end. A client that has closed its side gets no answer from node:http either.
    if (this.#socket.readableEnded) this.#socket.destroy();
    if (!this.#socket.destroyed) this.#leave(unanswered);
  }

  fail(): void {
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#current) {
      this.#next.push(chunk);
      this.#socket.pause();
      return;
    }
    const bodyAt = this.#options.isDraining() ? undefined : this.#bodyOf(chunk);
    if (bodyAt === undefined) {
      this.#leave([chunk]);
      return;
    }
    this.#current = chunk;
    this.#options.onState("busy");
    this.#known?.taker.take(chunk.subarray(bodyAt), this);
  };

  readonly #onEnd = (): void => {
    if (!this.#current) this.#socket.end();
  };

  readonly #onTimeout = (): void => {
    if (!this.#current) this.#socket.destroy();
  };

  /** Where the body begins in bytes that are one plain request, whose head is the known one then. */
  #bodyOf(chunk: Buffer): number | undefined {
    const { length } = chunk;
    const text = chunk.toString("latin1", 0, MAX_HEAD_BYTES);
    if (this.#known) {
      const bodyAt = bodyBehind(this.#known, text, length);
      if (bodyAt !== undefined) return bodyAt;
    }
    const head = plainHeadOf(text);
    if (!head || head.length + head.bodyLength !== length) return undefined;
    const taker = this.#options.takerOf(head, this.#socket.remoteAddress);
    if (!taker) return undefined;
    this.#known = {
      start: text.slice(0, head.bodyLengthAt),
      end: text.slice(head.bodyLengthAt + String(head.bodyLength).length, head.length),
      taker,
    };
    return head.length;
  }

  #leave(unanswered: readonly Buffer[]): void {
    const socket = this.#socket;
    socket.setTimeout(0);
    socket.off("timeout", this.#onTimeout);
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("error", ignore);
    // Bytes that are put back while the socket flows are not given to whoever listens next.
    socket.pause();
    for (const chunk of unanswered.toReversed()) socket.unshift(chunk);
    this.#options.onState(undefined);
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

let date = { second: 0, text: "" };

/** The time as a Date header has it (RFC 9110, 5.6.7). */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== date.second) date = { second, text: new Date(second * 1000).toUTCString() };
  return date.text;
}
