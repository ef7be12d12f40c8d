// The hash of a pair of whole numbers.

import { randomBytes } from "node:crypto";

/** Whoever sends events chooses pairs: without it, pairs could be chosen that are all looked for in the same place. */
const SEED = randomBytes(4).readInt32LE();

/** Rounds of multiplication and shifting as in the finalizer of MurmurHash3 (Austin Appleby, public domain). */
export function hashOf(first: number, second: number): number {
  let hash = Math.imul(second ^ SEED, 0x9e3779b1);
  hash ^= hash >>> 16;
  hash = Math.imul(hash ^ first, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 15);
}
