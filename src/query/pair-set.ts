// A set of pairs of a group and a member, both whole numbers below 2^32 - 1: a hash table with open addressing, at most half full.
//
// Events that follow each other are of the same few sessions. So a pair has its place among the eight of its member, which share
// a line of the processor's cache, and neighbours have them side by side. Only when all eight are taken is it anywhere: by
// double hashing, as the places of neighbours are full in long runs.

import { hashOf } from "./hash.ts";
import { giveBack, takeZeros } from "./spare-arrays.ts";

const FIRST_PLACES = 65_536;
/** By how much it grows: to put all pairs into a new table costs as much as to find them was. */
const GROWTH = 4;
const PLACES_OF_MEMBER = 8;
const EMPTY = new Uint32Array(0);

export class PairSet {
  /** For each place the member, and the group and one more; 0 in an empty one. */
  #pairs = EMPTY;
  #size = 0;

  /** How many pairs there are. */
  get size(): number {
    return this.#size;
  }

  /** Whether the pair was not there; it is from now on. */
  add(group: number, member: number): boolean {
    if (4 * this.#size >= this.#pairs.length) this.#grow();
    if (!put(this.#pairs, group + 1, member)) return false;
    this.#size += 1;
    return true;
  }

  /** Ends its use. */
  release(): void {
    giveBack(this.#pairs);
    this.#pairs = EMPTY;
  }

  #grow(): void {
    const before = this.#pairs;
    const pairs = takeZeros(Math.max(2 * FIRST_PLACES, GROWTH * before.length));
    putAll(pairs, before);
    giveBack(before);
    this.#pairs = pairs;
  }
}

/** A function of its own, as the loop is compiled while it runs: what is behind it has not run yet. */
function putAll(pairs: Uint32Array, from: Uint32Array): void {
  for (let at = 0; at < from.length; at += 2) {
    const mark = from[at + 1] ?? 0;
    if (mark !== 0) put(pairs, mark, from[at] ?? 0);
  }
}

/** Puts a pair into the first empty place that can be its own, unless it is there. */
function put(pairs: Uint32Array, mark: number, member: number): boolean {
  const last = pairs.length - 1;
  let at = Math.imul(member, 2 * PLACES_OF_MEMBER) & last;
  for (const end = at + 2 * PLACES_OF_MEMBER; at < end; at += 2) {
    if (pairs[at + 1] === 0) return set(pairs, at, mark, member);
    if (pairs[at + 1] === mark && pairs[at] === member) return false;
  }
  const hash = hashOf(mark, member);
  // Odd in places, so that it comes to all of them.
  const step = ((hash >>> 15) | 1) << 1;
  at = (hash << 1) & last;
  for (; pairs[at + 1] !== 0; at = (at + step) & last) {
    if (pairs[at + 1] === mark && pairs[at] === member) return false;
  }
  return set(pairs, at, mark, member);
}

function set(pairs: Uint32Array, at: number, mark: number, member: number): true {
  pairs[at] = member;
  pairs[at + 1] = mark;
  return true;
}
