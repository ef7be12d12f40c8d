// Draws of a fuzz run: the same for the same seed.

import { randomOf } from "../log/fault-files.ts";

export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = randomOf(seed);
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at += 1) bytes[at] = this.below(256);
    return bytes;
  }

  /** `bytes` with a few of them changed, left out, doubled, or cut off behind. */
  mutated(bytes: Uint8Array): Buffer {
    let result = Buffer.from(bytes);
    for (let changes = 1 + this.below(4); changes > 0 && result.length > 0; changes -= 1) {
      const at = this.below(result.length);
      const [before, behind] = [result.subarray(0, at), result.subarray(at)];
      const insert = () => Buffer.concat([before, this.bytes(1 + this.below(8)), behind]);
      const leaveOut = () => Buffer.concat([before, behind.subarray(1 + this.below(8))]);
      const double = () => Buffer.concat([before, behind, behind]);
      const change = () => {
        const changed = Buffer.from(result);
        changed[at] = this.below(256);
        return changed;
      };
      result = this.pick([change, change, change, insert, leaveOut, double, () => Buffer.from(before)])();
    }
    return result;
  }
}
