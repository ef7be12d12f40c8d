// What a session of HTTP/2 sends: frames in their order, as far as its window allows (RFC 9113, 5.2), in one write for
// all that comes at a time.

import type { Socket } from "node:net";
import { ErrorCode, SessionError } from "../http2/frames.ts";

/** What windows begin with, in bytes (RFC 9113, 6.9.2). */
const FIRST_WINDOW_BYTES = 65_535;
/** What they may not grow beyond, in bytes (RFC 9113, 6.9.1). */
const MAX_WINDOW_BYTES = 0x7f_ff_ff_ff;

interface Waiting {
  readonly bytes: Buffer;
  readonly cost: number;
}

export class SessionOutlet {
  readonly #socket: Socket;
  #window = FIRST_WINDOW_BYTES;
  /** What the window has no room for, and all behind it. */
  #waiting: Waiting[] = [];
  #out: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether frames wait for the window. */
  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Sends frames, in which `cost` bytes are data. */
  send(bytes: Buffer, cost: number): void {
    if (this.isWaiting || cost > this.#window) this.#waiting.push({ bytes, cost });
    else this.#write(bytes, cost);
  }

  /** Sends a frame that is not of the order of others: those that wait may come later. */
  sendNow(bytes: Buffer): void {
    this.#write(bytes, 0);
  }

  /** The window has grown. Throws a SessionError when it is larger than windows can be. */
  grow(bytes: number): void {
    this.#window += bytes;
    if (this.#window > MAX_WINDOW_BYTES) {
      throw new SessionError(ErrorCode.flowControlError, "a window is too large");
    }
    if (!this.isWaiting) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) this.send(each.bytes, each.cost);
  }

  /** Writes now what would be written at the end of this turn. */
  flush(): void {
    const [first, ...others] = this.#out;
    if (!first) return;
    const bytes = others.length === 0 ? first : Buffer.concat(this.#out);
    this.#out = [];
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #write(bytes: Buffer, cost: number): void {
    this.#window -= cost;
    if (this.#out.push(bytes) === 1) process.nextTick(() => this.flush());
  }
}
