// Counts distinct members of groups: visitors or sessions, by their numbers.

import { TooMuch } from "./limits.ts";
import { PairSet } from "./pair-set.ts";
import { giveBack, takeZeros } from "./spare-arrays.ts";

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
  /** Ends its use. */
  release(): void;
}

/** As long as groups times members are no more, one bit for each is the fastest: 32 MiB. */
const MAX_BITS = 2 ** 28;
/** Up to so many members have a first group in an array: 64 MiB, in blocks of 64 KiB. */
const MAX_FIRSTS = 2 ** 24;
const BLOCK_BITS = 14;
const BLOCK = 2 ** BLOCK_BITS;
/** The most other groups that members may be in, together: they take 128 MiB, and one more would take four times as much. */
const MAX_PAIRS = 2 ** 23 - 1;

/** `groups` is how many there are, infinite when it is not known yet; members are at most `most`. */
export function distinct(groups: number, most: number): Distinct {
  return groups * (most + 1) <= MAX_BITS ? new Bits(groups, most) : new Pairs(most);
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

  release(): void {}
}

/**
 * Most members are in one group: the first one of each is looked up by its number, and only others in a hash table; all
 * when members are very many.
 */
class Pairs implements Distinct {
  /** By member: its first group, and one more. Blocks without a member are missing. */
  readonly #firsts: (Uint32Array<ArrayBuffer> | undefined)[] = [];
  readonly #others = new PairSet();
  readonly #hasFirsts: boolean;

  constructor(most: number) {
    this.#hasFirsts = most <= MAX_FIRSTS;
  }

  addAll({ count, groups, members }: Membership, fresh: Uint32Array): number {
    let found = 0;
    for (let at = 0; at < count; at += 1) {
      const member = members[at] ?? 0;
      if (member === 0) continue;
      if (!this.#add(groups[at] ?? 0, member)) continue;
      fresh[found] = at;
      found += 1;
    }
    return found;
  }

  release(): void {
    for (const block of this.#firsts) if (block) giveBack(block);
    this.#firsts.length = 0;
    this.#others.release();
  }

  #add(group: number, member: number): boolean {
    if (!this.#hasFirsts) return this.#addOther(group, member);
    const block = this.#firsts[member >>> BLOCK_BITS] ?? this.#addBlock(member >>> BLOCK_BITS);
    const first = block[member & (BLOCK - 1)];
    if (first === group + 1) return false;
    if (first !== 0) return this.#addOther(group, member);
    block[member & (BLOCK - 1)] = group + 1;
    return true;
  }

  #addBlock(index: number): Uint32Array {
    const block = takeZeros(BLOCK);
    while (this.#firsts.length <= index) this.#firsts.push(undefined);
    this.#firsts[index] = block;
    return block;
  }

  #addOther(group: number, member: number): boolean {
    if (!this.#others.add(group, member)) return false;
    if (this.#others.size <= MAX_PAIRS) return true;
    throw new TooMuch(
      `more than ${MAX_PAIRS} times a visitor or a visit is in one more group: ask for a shorter range or fewer dimensions`,
    );
  }
}
