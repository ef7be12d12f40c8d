// Makes header blocks in all the ways that there are to say a field but for Huffman code (RFC 7541, 6), as random numbers
// choose. It keeps the table that the decoder of the other end has.

import type { HeaderField } from "../../src/http2/hpack.ts";
import { STATIC_FIELDS } from "../../src/http2/hpack-tables.ts";

const FIELD_BYTES = 32;
const MAX_TABLE_BYTES = 4096;

const sizeOf = ({ name, value }: HeaderField) => name.length + value.length + FIELD_BYTES;

/** An integer behind the bits of `first`, as many of which are the prefix as `prefix` has (RFC 7541, 5.1). */
function integer(first: number, prefix: number, value: number): Buffer {
  if (value < prefix) return Buffer.of(first | value);
  const bytes = [first | prefix];
  let rest = value - prefix;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

function text(value: string): Buffer {
  return Buffer.concat([integer(0, 0x7f, value.length), Buffer.from(value, "latin1")]);
}

export class HeaderEncoder {
  /** The newest first. */
  #table: HeaderField[] = [];
  #maxBytes = MAX_TABLE_BYTES;

  /** A block with these fields; each number of `choices` is for one of them, and one for the size of the table. */
  encode(fields: readonly HeaderField[], choices: readonly number[]): Buffer {
    const size = (choices[0] ?? 0) % 16 === 15 ? this.#resize((choices[0] ?? 0) % (MAX_TABLE_BYTES + 1)) : [];
    return Buffer.concat([
      ...size,
      ...fields.map((field, index) => this.#field(field, choices[1 + (index % choices.length)] ?? 0)),
    ]);
  }

  #resize(maxBytes: number): Buffer[] {
    this.#maxBytes = maxBytes;
    this.#evict();
    return [integer(0x20, 0x1f, maxBytes)];
  }

  #evict(): void {
    let room = this.#maxBytes;
    const kept = this.#table.findIndex((field) => {
      room -= sizeOf(field);
      return room < 0;
    });
    if (kept >= 0) this.#table.length = kept;
  }

  #field(field: HeaderField, choice: number): Buffer {
    const all = [...STATIC_FIELDS, ...this.#table];
    const index = 1 + all.findIndex(({ name, value }) => name === field.name && value === field.value);
    if (index > 0 && choice % 3 > 0) return integer(0x80, 0x7f, index);
    const nameIndex = choice % 2 === 0 ? 0 : 1 + all.findIndex(({ name }) => name === field.name);
    const name = nameIndex === 0 ? text(field.name) : Buffer.of();
    const way = choice % 5;
    const head =
      way < 3
        ? integer(0x40, 0x3f, nameIndex)
        : way === 3
          ? integer(0x10, 0x0f, nameIndex)
          : integer(0, 0x0f, nameIndex);
    if (way < 3) {
      this.#table.unshift(field);
      this.#evict();
    }
    return Buffer.concat([head, name, text(field.value)]);
  }
}
