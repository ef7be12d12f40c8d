// What a session of HTTP/2 sends: frames in their order, as far as its window allows (RFC 9113, 5.2), in one write for
// all that comes at a time.

import type { Socket } from "node:net";
import { joined } from "../buffers.ts";
import { ErrorCode, SessionError } from "../http2/frames.ts";

/** What windows begin with, in bytes (RFC 9113, 6.9.2), and what they may not grow beyond (6.9.1). */
export const FIRST_WINDOW_BYTES = 65_535;
export const MAX_WINDOW_BYTES = 0x7f_ff_ff_ff;

/** What a frame that waits takes beside its bytes, in bytes: more or less. */
const WAITING_BYTES = 256;

interface Waiting {
  readonly bytes: Buffer;
  readonly cost: number;
}

export class SessionOutlet {
  readonly #socket: Socket;
  #window = FIRST_WINDOW_BYTES;
  /** What the window has no room for, and all behind it; from `#next` on, and what it is together. */
  #waiting: Waiting[] = [];
  #next = 0;
  #waitingBytes = 0;
  #waitingCost = 0;
  #out: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** What waits for the window, in bytes of memory. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How much data the window has room for, in bytes; below 0, when more waits than that. */
  get room(): number {
    return this.#window - this.#waitingCost;
  }

  /** Sends frames, in which `cost` bytes are data, in the order of others. */
  send(bytes: Buffer, cost: number): void {
    if (this.#waitingBytes === 0 && cost <= this.#window) {
      this.#write(bytes, cost);
      return;
    }
    this.#waiting.push({ bytes, cost });
    this.#waitingBytes += bytes.length + WAITING_BYTES;
    this.#waitingCost += cost;
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
    let first = this.#waiting[this.#next];
    while (first && first.cost <= this.#window) {
      this.#next += 1;
      this.#waitingBytes -= first.bytes.length + WAITING_BYTES;
      this.#waitingCost -= first.cost;
      this.#write(first.bytes, first.cost);
      first = this.#waiting[this.#next];
    }
    // What was sent is let go of, also while something waits all the time; not each time, as all that waits is moved.
    if (2 * this.#next < this.#waiting.length) return;
    this.#waiting.splice(0, this.#next);
    this.#next = 0;
  }

  /** Writes now what would be written at the end of this turn. */
  flush(): void {
    if (this.#out.length === 0) return;
    const bytes = joined(this.#out);
    this.#out = [];
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  #write(bytes: Buffer, cost: number): void {
    this.#window -= cost;
    if (this.#out.push(bytes) === 1) process.nextTick(() => this.flush());
  }
}
