// Splits a stream of bytes into lines and chains their hashes, in constant memory.
//
//   h(0) = SHA-256("footfall import v1" 00 site)
//   h(n) = SHA-256(h(n-1) || line n without its line ending)
//   the event id of line n = n in hexadecimal, at least 8 digits, and base64url of the first 12 bytes of h(n)
//
// So an id depends on the site and on all that stands before the line, and on nothing else: neither on where the
// bytes were cut into chunks, nor on compression, nor on what is left out. The number in front says nothing new, but
// shows whoever looks at an id which line it is of. The line ending is LF or CRLF; a CR at the very end of the input
// belongs to one, too, as its LF may not have been written yet.
//
// One buffer holds h(n-1) and, right behind it, the line, which is what the next hash is taken of:
//
//   #work  | h(n-1), 32 bytes | line n, up to MAX_LINE_BYTES |
//
// A longer line is not kept, but still hashed.

import { createHash, type Hash, hash } from "node:crypto";

/** The longest line that is read, in bytes. Apache and nginx limit each field to 8 KiB by default. */
export const MAX_LINE_BYTES = 64 * 1024;

const HASH_BYTES = 32;
const NUMBER_DIGITS = 8;
const ID_HASH_BYTES = 12;
const DOMAIN = "footfall import v1\0";
const LF = 0x0a;
const CR = 0x0d;
const LONE_CR = Uint8Array.of(CR);

/**
 * Takes a line: its bytes without the line ending (a view that holds only during the call), or undefined when it is
 * longer than MAX_LINE_BYTES; and whether it had a line ending.
 */
export type OnLine = (line: Buffer | undefined, ended: boolean) => void;

export class HashedLines {
  /** With one more byte, for the CR of a line ending. */
  readonly #work = Buffer.allocUnsafe(HASH_BYTES + MAX_LINE_BYTES + 1);
  readonly #onLine: OnLine;
  #filled = HASH_BYTES;
  /** The lines that ended. */
  #count = 0;
  /** The hash under way of a line that outgrew `#work`. */
  #long: Hash | undefined;
  /** The long line's last byte so far is a CR, not yet hashed: it may belong to the line ending. */
  #heldCr = false;

  constructor(site: string, onLine: OnLine) {
    this.#onLine = onLine;
    this.#work.write(hash("sha256", DOMAIN + site, "binary"), "binary");
  }

  /** The running hash after the last line, in base64url. */
  hash(): string {
    return this.#work.toString("base64url", 0, HASH_BYTES);
  }

  /** The event id of the last line. */
  eventId(): string {
    const number = this.#count.toString(16).padStart(NUMBER_DIGITS, "0");
    return number + this.#work.toString("base64url", 0, ID_HASH_BYTES);
  }

  /** Reads on; calls `onLine` for every line that ends in `chunk`. */
  push(chunk: Buffer): void {
    let from = 0;
    while (true) {
      const end = chunk.indexOf(LF, from);
      if (end < 0) break;
      this.#append(chunk, from, end);
      this.#finishLine(true);
      from = end + 1;
    }
    this.#append(chunk, from, chunk.length);
  }

  /** Says that the input is over; calls `onLine` for a last line without a line ending. */
  end(): void {
    if (this.#filled > HASH_BYTES || this.#long !== undefined) this.#finishLine(false);
  }

  #append(chunk: Buffer, from: number, to: number): void {
    if (from === to) return;
    if (this.#long === undefined) {
      if (this.#filled + (to - from) <= this.#work.length) {
        this.#filled += chunk.copy(this.#work, this.#filled, from, to);
        return;
      }
      this.#long = createHash("sha256");
      this.#appendLong(this.#long, this.#work.subarray(0, this.#filled));
    }
    this.#appendLong(this.#long, chunk.subarray(from, to));
  }

  #appendLong(long: Hash, piece: Buffer): void {
    if (this.#heldCr) long.update(LONE_CR);
    this.#heldCr = piece[piece.length - 1] === CR;
    long.update(this.#heldCr ? piece.subarray(0, -1) : piece);
  }

  #finishLine(ended: boolean): void {
    let line: Buffer | undefined;
    // A string of one character per byte: it is cheaper than a Buffer, which has memory outside of the heap.
    let next: string;
    if (this.#long === undefined) {
      const end =
        this.#filled > HASH_BYTES && this.#work[this.#filled - 1] === CR ? this.#filled - 1 : this.#filled;
      line = end - HASH_BYTES > MAX_LINE_BYTES ? undefined : this.#work.subarray(HASH_BYTES, end);
      next = hash("sha256", this.#work.subarray(0, end), "binary");
    } else {
      next = this.#long.digest("binary");
      this.#long = undefined;
      this.#heldCr = false;
    }
    this.#work.write(next, "binary");
    this.#filled = HASH_BYTES;
    this.#count += 1;
    this.#onLine(line, ended);
  }
}
