// Encodes header blocks for a decoder beside us (HPACK, RFC 7541), whose dynamic table is known, as all of its blocks come from
// here. Not to save bytes: fields that a client names by an index, in a byte, are thousands of bytes as literals, so that
// a few packets would become many megabytes.
//
// What takes many bytes is added to the table: so it takes them again only when others that did have taken its place.

import {
  ADDED,
  ADDED_PREFIX,
  bytesOf,
  type HeaderField,
  INDEXED,
  INDEXED_PREFIX,
  integerBytes,
  MAX_TABLE_BYTES,
  NOT_ADDED_PREFIX,
  textParts,
} from "./hpack.ts";
import { STATIC_FIELDS } from "./hpack-tables.ts";

/** A literal with a shorter text is not added to the table, in bytes: it would take the place of others that are longer. */
const LONG_BYTES = 64;

const STATIC_INDEXES: ReadonlyMap<HeaderField, number> = new Map(
  STATIC_FIELDS.map((field, at) => [field, at + 1]),
);

/** Encodes the blocks of one connection; they are to be decoded in their order. */
export class HpackEncoder {
  /** The fields of the dynamic table, oldest first. */
  readonly #table: HeaderField[] = [];
  #bytes = 0;
  #added = 0;
  /** How many had been added with the one that is in the table: by field, and by name with the newest that has it. */
  readonly #byField = new Map<HeaderField, number>();
  readonly #byName = new Map<string, number>();

  /** A field is known again when it is the same object: those of a decoder's tables are. */
  encode(fields: readonly HeaderField[]): Buffer {
    return Buffer.concat(fields.flatMap((field) => this.#partsOf(field)));
  }

  #partsOf(field: HeaderField): Buffer[] {
    const { name, value } = field;
    const index = STATIC_INDEXES.get(field) ?? this.#indexOf(this.#byField.get(field));
    if (index !== 0) return [integerBytes(INDEXED, INDEXED_PREFIX, index)];
    const nameIndex = this.#indexOf(this.#byName.get(name));
    const length = value.length + (nameIndex === 0 ? name.length : 0);
    const isAdded = length >= LONG_BYTES && bytesOf(field) <= MAX_TABLE_BYTES;
    if (isAdded) this.#add(field);
    return [
      isAdded ? integerBytes(ADDED, ADDED_PREFIX, nameIndex) : integerBytes(0, NOT_ADDED_PREFIX, nameIndex),
      ...(nameIndex === 0 ? textParts(name) : []),
      ...textParts(value),
    ];
  }

  /** 0 for a field that is not in the table. */
  #indexOf(number: number | undefined): number {
    return number === undefined ? 0 : STATIC_FIELDS.length + 1 + this.#added - number;
  }

  /** As the decoder does it (RFC 7541, 4.4). */
  #add(field: HeaderField): void {
    this.#bytes += bytesOf(field);
    while (this.#bytes > MAX_TABLE_BYTES) this.#evictOldest();
    this.#table.push(field);
    this.#added += 1;
    this.#byField.set(field, this.#added);
    this.#byName.set(field.name, this.#added);
  }

  #evictOldest(): void {
    const oldest = this.#table.shift();
    if (!oldest) return;
    this.#bytes -= bytesOf(oldest);
    if (this.#byName.get(oldest.name) === this.#byField.get(oldest)) this.#byName.delete(oldest.name);
    this.#byField.delete(oldest);
  }
}
