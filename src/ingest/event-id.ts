// Ids for events that come without one: UUIDv7 (RFC 9562, 5.7) of the time of receipt. Within a millisecond a counter
// that starts at random makes them ascend (6.2, method 1). Random bytes are drawn many at a time: to draw them for each id
// costs as much as to store an event.

import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

export const ID_BYTES = 16;
/** What the maker of UUIDs asks for. */
const RANDOM_BYTES = 16;
const DRAWN_AT_A_TIME = 256;

export class EventIds {
  readonly #pool = new Uint8Array(DRAWN_AT_A_TIME * RANDOM_BYTES);
  /** The parts of the pool, one for each id. */
  readonly #parts = Array.from({ length: DRAWN_AT_A_TIME }, (_, part) =>
    this.#pool.subarray(part * RANDOM_BYTES, (part + 1) * RANDOM_BYTES),
  );
  #used = DRAWN_AT_A_TIME;
  #msecs = 0;
  #seq = 0;

  /** The next id, of `msecs` since 1970, which must not go back; as 16 bytes. */
  next(msecs: number): Uint8Array {
    const id = new Uint8Array(ID_BYTES);
    this.write(msecs, id, 0);
    return id;
  }

  /** Writes the next id to `bytes` from `at` on. */
  write(msecs: number, bytes: Uint8Array, at: number): void {
    const random = this.#nextRandom();
    // Of 32 bits, the first one is left for counting on.
    this.#seq = msecs > this.#msecs ? startOf(random) : this.#seq + 1;
    this.#msecs = msecs;
    v7({ random, msecs, seq: this.#seq }, bytes, at);
  }

  #nextRandom(): Uint8Array {
    const part = this.#parts[this.#used];
    this.#used += 1;
    if (part) return part;
    randomFillSync(this.#pool);
    this.#used = 0;
    return this.#nextRandom();
  }
}

/** The text of the id at `at` in `bytes`, a UUID (RFC 9562, 4). Without the check of uuid's stringify, which costs twice as much. */
export function idText(bytes: Buffer, at: number): string {
  const hex = bytes.toString("hex", at, at + ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function startOf(random: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = random;
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
