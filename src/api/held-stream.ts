// A stream of HTTP/2 that begins like a plain request, and is held until it is known to be one and is answered.

import { joined } from "../buffers.ts";
import type { PlainHead } from "./plain-heads.ts";
import type { PlainEnd } from "./plain-taker.ts";

/** Hears how held streams end. */
export interface StreamOwner {
  onAnswer(stream: HeldStream, body: string): void;
  onFull(stream: HeldStream): void;
  onFail(stream: HeldStream): void;
}

/** A longer body is not plain, in bytes: the window of a stream is larger, and grows only when node:http2 has it. */
const MAX_BODY_BYTES = 512 * 1024;
/** A body in more parts than this is not plain. */
const MAX_PARTS = 64;

export class HeldStream implements PlainEnd {
  readonly id: number;
  readonly head: PlainHead;
  readonly #owner: StreamOwner;
  #parts: Buffer[] = [];
  #bytes = 0;
  #isTaken = false;
  /** By how much the client has made its window grow, in bytes. */
  growth = 0;

  constructor(id: number, head: PlainHead, owner: StreamOwner) {
    this.id = id;
    this.head = head;
    this.#owner = owner;
  }

  /** Of the body, as far as it has come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether it has ended, and what becomes of it is not known yet. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** The body, as far as it has come. */
  get body(): Buffer {
    return joined(this.#parts);
  }

  /** Adds to the body; false, and it is not added, when that were more than a plain body has. */
  add(part: Buffer): boolean {
    const bytes = this.#bytes + part.length;
    if (bytes > MAX_BODY_BYTES || bytes > this.head.taker.shape.maxBytes || this.#parts.length === MAX_PARTS)
      return false;
    this.#parts.push(part);
    this.#bytes = bytes;
    return true;
  }

  /** Takes the request, whose body is complete; false when that is not as long as the head says. */
  take(): boolean {
    const { bodyLength, taker } = this.head;
    if (bodyLength !== undefined && bodyLength !== this.#bytes) return false;
    this.#isTaken = true;
    taker.take(this.body, this);
    return true;
  }

  answer(body: string): void {
    this.#owner.onAnswer(this, body);
  }

  full(): void {
    this.#owner.onFull(this);
  }

  fail(): void {
    this.#owner.onFail(this);
  }
}
