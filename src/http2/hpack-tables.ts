// What HPACK has fixed: the fields that each table begins with, and the Huffman code (RFC 7541, Appendices A and B).
//
// The code is canonical: codes of one length follow one another in the order of their symbols, and longer codes follow
// shorter ones. So the lengths say it all. Made of them is a tree, and of the tree a machine that goes on by four bits at
// a time; as no code is shorter than five, a step completes one symbol at most.

import type { HeaderField } from "./hpack.ts";

/** The static table, from index 1 on. */
export const STATIC_FIELDS: readonly HeaderField[] = (
  [
    [":authority"],
    [":method", "GET"],
    [":method", "POST"],
    [":path", "/"],
    [":path", "/index.html"],
    [":scheme", "http"],
    [":scheme", "https"],
    [":status", "200"],
    [":status", "204"],
    [":status", "206"],
    [":status", "304"],
    [":status", "400"],
    [":status", "404"],
    [":status", "500"],
    ["accept-charset"],
    ["accept-encoding", "gzip, deflate"],
    ["accept-language"],
    ["accept-ranges"],
    ["accept"],
    ["access-control-allow-origin"],
    ["age"],
    ["allow"],
    ["authorization"],
    ["cache-control"],
    ["content-disposition"],
    ["content-encoding"],
    ["content-language"],
    ["content-length"],
    ["content-location"],
    ["content-range"],
    ["content-type"],
    ["cookie"],
    ["date"],
    ["etag"],
    ["expect"],
    ["expires"],
    ["from"],
    ["host"],
    ["if-match"],
    ["if-modified-since"],
    ["if-none-match"],
    ["if-range"],
    ["if-unmodified-since"],
    ["last-modified"],
    ["link"],
    ["location"],
    ["max-forwards"],
    ["proxy-authenticate"],
    ["proxy-authorization"],
    ["range"],
    ["referer"],
    ["refresh"],
    ["retry-after"],
    ["server"],
    ["set-cookie"],
    ["strict-transport-security"],
    ["transfer-encoding"],
    ["user-agent"],
    ["vary"],
    ["via"],
    ["www-authenticate"],
  ] as const
).map(([name, value = ""]) => ({ name, value }));

/** The bits of the code of each byte, and at last of EOS, which stands in no text. */
// biome-ignore format: sixteen a line, so that a byte is found by its hexadecimal digits
const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;
const MIN_CODE_BITS = 5;
const MAX_PADDING_BITS = 7;

/** The inner nodes are numbered from the root, 0; one more is where EOS leads to, and nothing from there. */
const DEAD_END = 256;
const NODES = DEAD_END + 1;

/** Where bits 0 and 1 lead to from each node: to another one, or to a symbol, which is there as its complement. */
const TREE = makeTree();
/** Where four bits lead to from each node, and in the upper half the symbol on the way: 1 for byte 0, and so on, 0 for none. */
const STEPS = makeSteps();
/** Where a text may end: at the root, and where the ones of its padding lead to from there. */
const ENDS = makeEnds();

function makeTree(): Int16Array {
  const tree = new Int16Array(2 * NODES).fill(DEAD_END, 2 * DEAD_END);
  const symbols = [...CODE_BITS.keys()].sort((a, b) => bitsOf(a) - bitsOf(b) || a - b);
  let nodes = 1;
  let code = 0;
  let codeBits = 0;
  for (const symbol of symbols) {
    code <<= bitsOf(symbol) - codeBits;
    codeBits = bitsOf(symbol);
    let node = 0;
    for (let bit = codeBits - 1; bit > 0; bit -= 1) {
      const branch = 2 * node + ((code >>> bit) & 1);
      node = tree[branch] || nodes++;
      tree[branch] = node;
    }
    tree[2 * node + (code & 1)] = symbol === EOS ? DEAD_END : ~symbol;
    code += 1;
  }
  return tree;
}

function bitsOf(symbol: number): number {
  return CODE_BITS[symbol] ?? 0;
}

function makeSteps(): Uint32Array {
  const steps = new Uint32Array(NODES << 4);
  for (const index of steps.keys()) {
    let node = index >>> 4;
    let symbol = 0;
    for (let bit = 3; bit >= 0; bit -= 1) {
      const next = TREE[2 * node + ((index >>> bit) & 1)] ?? 0;
      node = Math.max(next, 0);
      if (next < 0) symbol = ~next + 1;
    }
    steps[index] = (symbol << 16) | node;
  }
  return steps;
}

function makeEnds(): ReadonlySet<number> {
  const ends = new Set([0]);
  let node = 0;
  for (let bits = 1; bits <= MAX_PADDING_BITS; bits += 1) {
    node = TREE[2 * node + 1] ?? 0;
    ends.add(node);
  }
  return ends;
}

/**
 * The text whose Huffman code lies in `bytes` from `start` to `end`, a character for each byte; undefined when it is none:
 * with EOS in it, or with a padding that is not all ones or of a byte and more.
 */
export function huffmanText(bytes: Buffer, start: number, end: number): string | undefined {
  const text = Buffer.allocUnsafe(Math.floor(((end - start) * 8) / MIN_CODE_BITS));
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    const first = STEPS[(node << 4) | (byte >>> 4)] ?? 0;
    if (first > 0xffff) text[length++] = (first >>> 16) - 1;
    const second = STEPS[((first & 0xffff) << 4) | (byte & 0xf)] ?? 0;
    if (second > 0xffff) text[length++] = (second >>> 16) - 1;
    node = second & 0xffff;
  }
  return ENDS.has(node) ? text.toString("latin1", 0, length) : undefined;
}
