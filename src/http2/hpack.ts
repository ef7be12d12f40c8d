// Header blocks of HTTP/2 (HPACK, RFC 7541), as a server reads them. A block is a row of these, told apart by the highest
// bits of the first byte; the bits left are the beginning of an integer:
//
//   1.......  index                  a field of the tables
//   01......  index [name] value     a field, which is also added to the dynamic table
//   001.....  size                   how large the dynamic table may be from here on: at the beginning of a block only
//   000.....  index [name] value     a field that is not added. Bit 4 asks that no one ever does, which is for proxies.
//
// The name is there when the index is 0. Indexes count from 1: the static table, then the dynamic one, its newest first.
//
// What fields may be called and hold is not judged here: any bytes are.

import { huffmanText, STATIC_FIELDS } from "./hpack-tables.ts";

/** A field as it was sent, a character for each byte. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** A block that is no HPACK: the connection cannot go on (RFC 9113, 4.3: COMPRESSION_ERROR). */
export class HpackError extends Error {}

export const INDEXED = 0x80;
export const ADDED = 0x40;
const RESIZE = 0x20;
export const INDEXED_PREFIX = 0x7f;
export const ADDED_PREFIX = 0x3f;
const RESIZE_PREFIX = 0x1f;
export const NOT_ADDED_PREFIX = 0x0f;

/** Before a text, beside its length. */
const HUFFMAN = 0x80;
const LENGTH_PREFIX = 0x7f;

/** An integer has four bytes behind its prefix at most, of seven bits each: more than any block is long. */
const MAX_INTEGER_BITS = 28;

/** SETTINGS_HEADER_TABLE_SIZE as it is where a server does not set it. */
export const MAX_TABLE_BYTES = 4096;
/** What a field counts beside its name and value (RFC 7541, 4.1). */
const FIELD_BYTES = 32;
/** More fields than these have no room. */
const MAX_TABLE_FIELDS = MAX_TABLE_BYTES / FIELD_BYTES;

/** Decodes the blocks of one connection, all of them, in their order. After an HpackError it is of no more use. */
export class HpackDecoder {
  readonly #maxListBytes: number;
  readonly #table = new DynamicTable();
  #changes = 0;
  #at = 0;

  /** `maxListBytes` is for the fields of a block: names and values, and 32 more for each (RFC 7541, 4.1). */
  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes;
  }

  /**
   * How often fields were added to the dynamic table or its size was changed: while it stays the same, the same block
   * means the same fields.
   */
  get changes(): number {
    return this.#changes;
  }

  /**
   * The fields of a complete block; undefined when the list is longer than `maxListBytes`. Such a block is decoded for the
   * table's sake, and its fields are not kept: it may have a byte for a field of thousands.
   */
  decode(block: Buffer): HeaderField[] | undefined {
    this.#at = 0;
    this.#readSizes(block);
    const fields: HeaderField[] = [];
    let listBytes = 0;
    while (this.#at < block.length) {
      const field = this.#readField(block);
      listBytes += bytesOf(field);
      if (listBytes <= this.#maxListBytes) fields.push(field);
    }
    return listBytes <= this.#maxListBytes ? fields : undefined;
  }

  #readSizes(block: Buffer): void {
    for (;;) {
      const first = block[this.#at] ?? 0;
      if (first < RESIZE || first >= ADDED) return;
      const size = this.#readInteger(block, RESIZE_PREFIX);
      if (size > MAX_TABLE_BYTES) throw new HpackError(`a table of ${size} bytes`);
      this.#table.resize(size);
      this.#changes += 1;
    }
  }

  #readField(block: Buffer): HeaderField {
    const first = block[this.#at] ?? 0;
    if (first >= INDEXED) return this.#fieldAt(this.#readInteger(block, INDEXED_PREFIX));
    if (first >= ADDED) {
      const field = this.#readLiteral(block, ADDED_PREFIX);
      this.#table.add(field);
      this.#changes += 1;
      return field;
    }
    if (first >= RESIZE) throw new HpackError("a table that changes its size within a block");
    return this.#readLiteral(block, NOT_ADDED_PREFIX);
  }

  #fieldAt(index: number): HeaderField {
    const age = index - STATIC_FIELDS.length - 1;
    const field = age < 0 ? STATIC_FIELDS[index - 1] : this.#table.get(age);
    if (!field) throw new HpackError(`no field has the index ${index}`);
    return field;
  }

  #readLiteral(block: Buffer, prefix: number): HeaderField {
    const index = this.#readInteger(block, prefix);
    const name = index === 0 ? this.#readText(block) : this.#fieldAt(index).name;
    return { name, value: this.#readText(block) };
  }

  #readText(block: Buffer): string {
    const isHuffman = (block[this.#at] ?? 0) >= HUFFMAN;
    const length = this.#readInteger(block, LENGTH_PREFIX);
    const start = this.#at;
    const end = start + length;
    if (end > block.length) throw new HpackError("a text that goes on beyond its block");
    this.#at = end;
    const text = isHuffman ? huffmanText(block, start, end) : block.toString("latin1", start, end);
    if (text === undefined) throw new HpackError("a text that is no Huffman code");
    return text;
  }

  /** RFC 7541, 5.1. `prefix` is the largest that the bits left of the first byte can be: then more bytes follow. */
  #readInteger(block: Buffer, prefix: number): number {
    let value = this.#readByte(block) & prefix;
    if (value < prefix) return value;
    for (let bits = 0; bits < MAX_INTEGER_BITS; bits += 7) {
      const byte = this.#readByte(block);
      value += (byte & 0x7f) << bits;
      if (byte < 0x80) return value;
    }
    throw new HpackError("an integer of too many bytes");
  }

  #readByte(block: Buffer): number {
    if (this.#at >= block.length) throw new HpackError("a block that ends within a field");
    return block[this.#at++] ?? 0;
  }
}

/**
 * The fields that were added last, in a ring, here of four slots after the fields 1 to 6:
 *
 *   [ 5 | 6 |   | 4 ]      added = 6, count = 3
 *
 * The slot of a field that was evicted is empty, as else a connection would keep more than its table may hold.
 */
class DynamicTable {
  readonly #ring: (HeaderField | undefined)[] = [];
  #added = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes = MAX_TABLE_BYTES;

  /** The field that `age` others were added after. */
  get(age: number): HeaderField | undefined {
    return age < this.#count ? this.#ring[(this.#added - 1 - age) % MAX_TABLE_FIELDS] : undefined;
  }

  /** What is larger than the table empties it, and is not kept (RFC 7541, 4.4). */
  add(field: HeaderField): void {
    const bytes = bytesOf(field);
    this.#evictOver(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    this.#ring[this.#added % MAX_TABLE_FIELDS] = field;
    this.#added += 1;
    this.#count += 1;
    this.#bytes += bytes;
  }

  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evictOver(maxBytes);
  }

  /** Evicts the oldest until there are `bytes` at most, or none. */
  #evictOver(bytes: number): void {
    while (this.#bytes > bytes && this.#count > 0) {
      const oldest = (this.#added - this.#count) % MAX_TABLE_FIELDS;
      const field = this.#ring[oldest];
      if (field) this.#bytes -= bytesOf(field);
      this.#ring[oldest] = undefined;
      this.#count -= 1;
    }
  }
}

/** How much a field counts, in bytes (RFC 7541, 4.1). */
export function bytesOf({ name, value }: HeaderField): number {
  return name.length + value.length + FIELD_BYTES;
}

/**
 * A block with these fields, as literals that are not added to the table, without Huffman code: for a decoder whose table
 * is not known.
 */
export function literalBlock(fields: readonly HeaderField[]): Buffer {
  return Buffer.concat(
    fields.flatMap(({ name, value }) => [Buffer.of(0), ...textParts(name), ...textParts(value)]),
  );
}

/** A text, without Huffman code. */
export function textParts(text: string): Buffer[] {
  return [integerBytes(0, LENGTH_PREFIX, text.length), Buffer.from(text, "latin1")];
}

/** An integer whose first byte has the bits of `pattern` and, in those left, `prefix` at most (RFC 7541, 5.1). */
export function integerBytes(pattern: number, prefix: number, value: number): Buffer {
  if (value < prefix) return Buffer.of(pattern | value);
  const bytes = [pattern | prefix];
  let rest = value - prefix;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
