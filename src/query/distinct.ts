// Counts distinct members of groups: visitors or sessions, by their numbers.

import { TooMuch } from "./limits.ts";

export interface Distinct {
  /** Whether `member` is new in `group`; from then on it is not. */
  add(group: number, member: number): boolean;
}

/** As long as groups times members are no more, one bit for each is the fastest: 32 MiB. */
const MAX_BITS = 2 ** 28;
/** The most pairs of group and member that one question may need: they take 128 MiB. */
const MAX_PAIRS = 2 ** 23;

/** `groups` is how many there are, infinite when it is not known yet; members are at most `most`. */
export function distinct(groups: number, most: number): Distinct {
  return groups * (most + 1) <= MAX_BITS ? new Bits(groups, most) : new Pairs();
}

class Bits implements Distinct {
  readonly #words: Uint32Array;
  readonly #members: number;

  constructor(groups: number, most: number) {
    this.#members = most + 1;
    this.#words = new Uint32Array(Math.ceil((groups * this.#members) / 32));
  }

  add(group: number, member: number): boolean {
    const bit = group * this.#members + member;
    const word = bit >>> 5;
    const mask = 1 << (bit & 31);
    const before = this.#words[word] ?? 0;
    this.#words[word] = before | mask;
    return (before & mask) === 0;
  }
}

/** A hash table with open addressing, at most half full. An empty place has 0, which is no pair, as members begin at 1. */
class Pairs implements Distinct {
  #keys = new Float64Array(2048);
  #size = 0;

  add(group: number, member: number): boolean {
    const key = group * 2 ** 32 + member;
    const place = placeOf(this.#keys, key, group, member);
    if (this.#keys[place] === key) return false;
    this.#keys[place] = key;
    this.#size += 1;
    if (this.#size * 2 > this.#keys.length) this.#grow();
    return true;
  }

  #grow(): void {
    if (this.#size >= MAX_PAIRS) {
      throw new TooMuch(
        `more than ${MAX_PAIRS} visitors or visits in all groups together: ask for a shorter range or fewer dimensions`,
      );
    }
    const keys = new Float64Array(this.#keys.length * 2);
    for (const key of this.#keys) {
      if (key === 0) continue;
      const group = Math.floor(key / 2 ** 32);
      keys[placeOf(keys, key, group, key - group * 2 ** 32)] = key;
    }
    this.#keys = keys;
  }
}

/** Where `key` is in `keys`, or would be. */
function placeOf(keys: Float64Array, key: number, group: number, member: number): number {
  const last = keys.length - 1;
  let hash = Math.imul(member, 0x9e3779b1) ^ Math.imul(group + 1, 0x85ebca6b);
  hash ^= hash >>> 15;
  let place = hash & last;
  while (keys[place] !== 0 && keys[place] !== key) place = (place + 1) & last;
  return place;
}
