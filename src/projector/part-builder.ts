// Collects records of the log that are folded together.

import { widened } from "../columns/widened.ts";
import type { LoggedEvent, LoggedRecords, LoggedSetting } from "./event-decoder.ts";
import { BOUNDS } from "./event-texts.ts";

const FIRST_ROOM = 64;

export class PartBuilder {
  readonly events: LoggedEvent[] = [];
  readonly settings: LoggedSetting[] = [];
  #bounds: Uint32Array<ArrayBuffer> = new Uint32Array(FIRST_ROOM * BOUNDS);
  /** Records of the events, as far as they are in frames before the last one, and how many bytes they are. */
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  /** Those in the last one. */
  #payload: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

  /** Takes an event, of which the record is in `payload` from `start` up to `end`, and the texts of its row by `bounds`. */
  addEvent(event: LoggedEvent, bounds: Uint32Array, payload: Buffer, start: number, end: number): void {
    if (payload !== this.#payload) {
      this.#endPiece();
      this.#payload = payload;
      this.#start = start;
    }
    this.#end = end;
    const first = this.events.length * BOUNDS;
    if (first === this.#bounds.length) this.#bounds = widened(this.#bounds, 2 * first);
    for (let at = 0; at < BOUNDS; at += 2) {
      const length = bounds[at + 1] ?? 0;
      if (length === 0) continue;
      this.#bounds[first + at] = (bounds[at] ?? 0) - this.#start + this.#bytes;
      this.#bounds[first + at + 1] = length;
    }
    this.events.push(event);
  }

  /** What it has taken. Nothing must be added any more. */
  finish(): LoggedRecords {
    this.#endPiece();
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    const bounds = this.#bounds.slice(0, this.events.length * BOUNDS);
    return { events: this.events, texts: { bytes, bounds }, settings: this.settings };
  }

  #endPiece(): void {
    if (this.#end === 0) return;
    this.#pieces.push(this.#payload.subarray(this.#start, this.#end));
    this.#bytes += this.#end - this.#start;
    this.#end = 0;
  }
}
