// Numbers that look random and are always the same: each is a function of what it is for.

/** 32 bits, which for one `kind` are others for each number. Source: the finalizer of MurmurHash3. */
export function hash(number: number, kind: number): number {
  let bits = number ^ Math.imul(kind, 0x9e3779b1);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** From 0 to 1, 1 excluded; another one for each `kind`. */
export function chance(number: number, kind: number): number {
  return hash(number, kind) / 2 ** 32;
}

/** From 0 to `count` - 1 by Zipf's law, for a `chance` from 0 to 1: the one of rank r is r times as rare as the first. */
export function zipf(chance: number, count: number): number {
  return Math.min(count - 1, Math.floor((count + 1) ** chance) - 1);
}

/** One of `items`, the first ones more often, for a `chance` from 0 to 1. */
export function pick<Item>(items: readonly [Item, ...Item[]], chance: number): Item {
  return items[zipf(chance, items.length)] ?? items[0];
}
