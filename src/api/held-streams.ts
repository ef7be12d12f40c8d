// The streams of a session that are held, and what their bodies take of memory and of the client's window.

import { ownCopy } from "../buffers.ts";
import type { HeldStream } from "./held-stream.ts";

/**
 * The client gets back for its window what is held only when it is held no more. So it is not to be all that the window
 * of the session has: bodies would wait for each other. node:http2 gives back when it has read half of the window, which
 * is to be left for it beside what is given back here in steps.
 */
const MAX_BYTES = 2 * 1024 * 1024 - 32 * 1024;

export class HeldStreams {
  readonly #streams = new Map<number, HeldStream>();
  #bytes = 0;

  get size(): number {
    return this.#streams.size;
  }

  /** Those that go on: what becomes of them is open. */
  get untaken(): HeldStream[] {
    return [...this.#streams.values()].filter((stream) => !stream.isTaken);
  }

  get(id: number): HeldStream | undefined {
    return this.#streams.get(id);
  }

  add(stream: HeldStream): void {
    this.#streams.set(stream.id, stream);
  }

  /** Adds to the body of a stream, of which it is the last part or not; false when that were more than is held. */
  addPart(stream: HeldStream, part: Buffer, isLast: boolean): boolean {
    // What waits for more is not to keep all the memory that it came in.
    const isAdded = this.#bytes + part.length <= MAX_BYTES && stream.add(isLast ? part : ownCopy(part));
    if (isAdded) this.#bytes += part.length;
    return isAdded;
  }

  /** False when it is not held any more. */
  delete(stream: HeldStream): boolean {
    const isHeld = this.#streams.delete(stream.id);
    if (isHeld) this.#bytes -= stream.bytes;
    return isHeld;
  }
}
