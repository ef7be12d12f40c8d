// Counts distinct members of groups: visitors or sessions, by their numbers.

import { TooMuch } from "./limits.ts";

/** Members of groups, in two arrays side by side. */
export interface Membership {
  readonly count: number;
  readonly groups: Uint32Array;
  /** Numbers of at least 1; 0 is none. */
  readonly members: Uint32Array;
}

export interface Distinct {
  /** Puts the places of members that are new in their groups into `fresh`, from then on they are not; how many there are. */
  addAll(membership: Membership, fresh: Uint32Array): number;
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

  addAll({ count, groups, members }: Membership, fresh: Uint32Array): number {
    const words = this.#words;
    const most = this.#members;
    let found = 0;
    for (let at = 0; at < count; at += 1) {
      const member = members[at] ?? 0;
      if (member === 0) continue;
      const bit = (groups[at] ?? 0) * most + member;
      const mask = 1 << (bit & 31);
      const before = words[bit >>> 5] ?? 0;
      if ((before & mask) !== 0) continue;
      words[bit >>> 5] = before | mask;
      fresh[found] = at;
      found += 1;
    }
    return found;
  }
}

/** A hash table with open addressing, at most half full. An empty place has 0, which is no pair, as members begin at 1. */
class Pairs implements Distinct {
  #keys = new Float64Array(16_384);
  #size = 0;

  addAll({ count, groups, members }: Membership, fresh: Uint32Array): number {
    let found = 0;
    for (let at = 0; at < count; at += 1) {
      const member = members[at] ?? 0;
      if (member === 0 || !this.#add(groups[at] ?? 0, member)) continue;
      fresh[found] = at;
      found += 1;
    }
    return found;
  }

  #add(group: number, member: number): boolean {
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
