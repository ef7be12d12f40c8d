// Ids for events that come without one: UUIDv7 (RFC 9562, 5.7) of the time of receipt. Within a millisecond a counter
// that starts at random makes them ascend (6.2, method 1). Random bytes are drawn many at a time: to draw them for each id
// costs as much as to store an event.

import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const RANDOM_BYTES = 16;

export class EventIds {
  readonly #pool = new Uint8Array(256 * RANDOM_BYTES);
  #used = this.#pool.length;
  #msecs = 0;
  #seq = 0;

  /** The next id, of `msecs` since 1970, which must not go back; as 16 bytes. */
  next(msecs: number): Uint8Array {
    if (this.#used === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const random = this.#pool.subarray(this.#used, this.#used + RANDOM_BYTES);
    this.#used += RANDOM_BYTES;
    // Of 32 bits, the first one is left for counting on.
    this.#seq = msecs > this.#msecs ? startOf(random) : this.#seq + 1;
    this.#msecs = msecs;
    return v7({ random, msecs, seq: this.#seq }, new Uint8Array(RANDOM_BYTES));
  }
}

function startOf(random: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = random;
  return ((a & 0x7f) << 24) | (b << 16) | (c << 8) | d;
}
