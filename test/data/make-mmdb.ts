// Makes MaxMind DB files (https://maxmind.github.io/MaxMind-DB/, version 2.0), and writes places.mmdb: networks kept for
// documentation, in countries that they were never in.
//
//   node test/data/make-mmdb.ts > test/data/places.mmdb
//
//   | tree: nodes of two records of 24 bits | 16 zero bytes | data | marker | metadata |
//
// A record of the tree is the number of a node, or the number of nodes when there is nothing, or behind that the place of
// the data, counted from the zero bytes. An IPv4 network in a tree of IPv6 is below ::/96.

import { fileURLToPath } from "node:url";

/** What data may be; a number is one of 32 bits. */
type MmdbValue = string | number | bigint | readonly MmdbValue[] | { readonly [key: string]: MmdbValue };

export interface MmdbNetwork {
  /** Such as "192.0.2.0/24". Networks of one file do not overlap. */
  readonly network: string;
  readonly record: MmdbValue;
}

export const PLACES_FILE = fileURLToPath(new URL("places.mmdb", import.meta.url));

const SEPARATOR_BYTES = 16;
const MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const RECORD_BITS = 24;
const NODE_BYTES = 6;
/** 2025-01-01, always the same, so that the file is, too. */
const BUILD_EPOCH = 1_735_689_600n;

/** The types of the format; those from 8 on are written in a byte of their own. */
const TYPE = { string: 2, uint32: 6, map: 7, uint64: 9, array: 11 } as const;

/** The bytes of a file with `networks`, for addresses of `ipVersion` and, if that is 6, of IPv4. */
export function makeMmdb(networks: readonly MmdbNetwork[], ipVersion: 4 | 6 = 6): Buffer {
  const tree = new Tree();
  const data: Buffer[] = [];
  let dataBytes = 0;
  for (const { network, record } of networks) {
    const encoded = encode(record);
    tree.insert(bitsOf(network, ipVersion), dataBytes);
    data.push(encoded);
    dataBytes += encoded.length;
  }
  const metadata = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BUILD_EPOCH,
    database_type: "Test",
    description: { en: "Made for tests" },
    ip_version: ipVersion,
    languages: ["en"],
    node_count: tree.nodeCount,
    record_size: RECORD_BITS,
  };
  return Buffer.concat([tree.encode(), Buffer.alloc(SEPARATOR_BYTES), ...data, MARKER, encode(metadata)]);
}

/** The bytes of places.mmdb. */
export function makePlaces(): Buffer {
  return makeMmdb([
    { network: "192.0.2.0/24", record: city("DE", "BE") },
    { network: "198.51.100.0/24", record: city("US", "CA") },
    { network: "2001:db8::/32", record: city("FR", "IDF") },
  ]);
}

/** A record as GeoLite2-City has it, without names. */
function city(country: string, subdivision: string): MmdbValue {
  return { country: { iso_code: country }, subdivisions: [{ iso_code: subdivision }] };
}

type Leaf = { readonly dataOffset: number };
type Side = Leaf | Node | undefined;

interface Node {
  readonly number: number;
  /** For the bits 0 and 1. */
  readonly sides: [Side, Side];
}

class Tree {
  readonly #nodes: Node[] = [];
  readonly #root = this.#add();

  get nodeCount(): number {
    return this.#nodes.length;
  }

  /** Lets `bits`, of which there is at least one, lead to the data at `dataOffset`. */
  insert(bits: readonly (0 | 1)[], dataOffset: number): void {
    let node = this.#root;
    for (const [depth, bit] of bits.entries()) {
      const side = node.sides[bit];
      if (depth === bits.length - 1) {
        if (side) throw new Error("networks overlap");
        node.sides[bit] = { dataOffset };
        return;
      }
      if (side && !("sides" in side)) throw new Error("networks overlap");
      const next = side ?? this.#add();
      node.sides[bit] = next;
      node = next;
    }
  }

  encode(): Buffer {
    const bytes = Buffer.alloc(this.#nodes.length * NODE_BYTES);
    for (const { number, sides } of this.#nodes) {
      const at = number * NODE_BYTES;
      bytes.writeUIntBE(this.#record(sides[0]), at, RECORD_BITS / 8);
      bytes.writeUIntBE(this.#record(sides[1]), at + RECORD_BITS / 8, RECORD_BITS / 8);
    }
    return bytes;
  }

  #record(side: Side): number {
    if (!side) return this.nodeCount;
    return "sides" in side ? side.number : this.nodeCount + SEPARATOR_BYTES + side.dataOffset;
  }

  #add(): Node {
    const node: Node = { number: this.#nodes.length, sides: [undefined, undefined] };
    this.#nodes.push(node);
    return node;
  }
}

/** The bits that all addresses of a network begin with, in a tree of `ipVersion`. */
function bitsOf(network: string, ipVersion: 4 | 6): (0 | 1)[] {
  const [address = "", length = ""] = network.split("/");
  const isIpv6 = address.includes(":");
  const bytes = isIpv6 ? ipv6Bytes(address) : address.split(".").map(Number);
  const padding = isIpv6 || ipVersion === 4 ? 0 : 96;
  const bits = bytes.flatMap((byte) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (((byte >> bit) & 1) === 1 ? 1 : 0)),
  );
  return [...Array<0>(padding).fill(0), ...bits.slice(0, Number(length))];
}

function ipv6Bytes(address: string): number[] {
  const [head = [], tail = []] = address
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([control(TYPE.string, text.length), text]);
  }
  if (typeof value === "number") return encodeInteger(TYPE.uint32, BigInt(value));
  if (typeof value === "bigint") return encodeInteger(TYPE.uint64, value);
  if (isList(value)) return Buffer.concat([control(TYPE.array, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([control(TYPE.map, entries.length), ...entries.flat().map(encode)]);
}

function isList(value: object): value is readonly MmdbValue[] {
  return Array.isArray(value);
}

function encodeInteger(type: number, value: bigint): Buffer {
  const hex = value === 0n ? "" : value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return Buffer.concat([control(type, bytes.length), bytes]);
}

/** What stands before a value. Sizes from 29 on, which have bytes of their own, are written up to 284. */
function control(type: number, size: number): Buffer {
  if (size > 284) throw new Error(`a size of ${size} is more than this writer knows`);
  const inByte = Math.min(size, 29);
  return Buffer.from([
    ...(type < 8 ? [(type << 5) | inByte] : [inByte, type - 7]),
    ...(size < 29 ? [] : [size - 29]),
  ]);
}

if (import.meta.main) process.stdout.write(makePlaces());
