// A table as pages of a database file of SQLite's, made without SQLite: https://www.sqlite.org/fileformat2.html, "B-tree
// Pages". SQLite then copies rows from them, which costs a third of binding their values to a statement.

/** The largest that SQLite has: each row must fit into one, and the leaves of a table below one root. */
export const PAGE_BYTES = 65_536;

const LEAF = 13;
const LEAF_HEADER_BYTES = 8;
const INTERIOR = 5;
const INTERIOR_HEADER_BYTES = 12;
const POINTER_BYTES = 2;
const CHILD_BYTES = 4;
/** A longer record would go on in pages of its own. */
const MOST_RECORD_BYTES = PAGE_BYTES - 35;

/** How many bytes a varint has, of a whole number from 0 to 2^53 - 1. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  let bytes = 2;
  for (let most = 0x4000; value >= most; most *= 0x80) bytes += 1;
  return bytes;
}

/** Puts it at a place; where it ends. The most significant bits come first. */
export function putVarint(page: Uint8Array, at: number, value: number): number {
  if (value < 0x80) {
    page[at] = value;
    return at + 1;
  }
  const end = at + varintBytes(value);
  page[end - 1] = value & 0x7f;
  let rest = Math.floor(value / 0x80);
  for (let place = end - 2; place >= at; place -= 1) {
    page[place] = 0x80 | (rest & 0x7f);
    rest = Math.floor(rest / 0x80);
  }
  return end;
}

interface Leaf {
  readonly page: number;
  readonly lastId: number;
}

export class TablePages {
  /** The leaf that is being filled: rows from its end, and pointers to them from its beginning. */
  readonly page = Buffer.alloc(PAGE_BYTES);
  readonly #addPage: (page: Uint8Array) => number;
  #rows = 0;
  #start = PAGE_BYTES;
  #lastId = 0;
  #leaves: Leaf[] = [];

  /** `addPage` is given each full page; the number that it has then. */
  constructor(addPage: (page: Uint8Array) => number) {
    this.#addPage = addPage;
  }

  /**
   * Adds a row with a record of so many bytes, which is to be put into `page`, before the next one; where. Rows have ascending
   * ids. Throws a RangeError when it is too long, and what adding a page throws.
   */
  add(id: number, recordBytes: number): number {
    if (recordBytes > MOST_RECORD_BYTES) throw new RangeError(`a row of ${recordBytes} bytes is too long`);
    const bytes = varintBytes(recordBytes) + varintBytes(id) + recordBytes;
    const pointer = LEAF_HEADER_BYTES + POINTER_BYTES * this.#rows;
    if (this.#start - bytes < pointer + POINTER_BYTES) {
      this.#endLeaf();
      return this.add(id, recordBytes);
    }
    this.#start -= bytes;
    this.page.writeUInt16BE(this.#start, pointer);
    this.#rows += 1;
    this.#lastId = id;
    return putVarint(this.page, putVarint(this.page, this.#start, recordBytes), id);
  }

  /** The root, to be used at once; then there are no rows. */
  finish(): Uint8Array {
    if (this.#leaves.length > 0) {
      this.#endLeaf();
      putRoot(this.page, this.#leaves);
    } else this.#putHeader();
    this.clear();
    return this.page;
  }

  /** Forgets all rows. */
  clear(): void {
    this.#rows = 0;
    this.#start = PAGE_BYTES;
    this.#leaves = [];
  }

  #endLeaf(): void {
    this.#putHeader();
    this.#leaves.push({ page: this.#addPage(this.page), lastId: this.#lastId });
    this.#rows = 0;
    this.#start = PAGE_BYTES;
  }

  #putHeader(): void {
    putHeader(this.page, LEAF, this.#rows, this.#start);
  }
}

/** Makes a page the root above at least one leaf. Throws a RangeError when there are too many for it. */
function putRoot(page: Buffer, leaves: readonly Leaf[]): void {
  let start = PAGE_BYTES;
  for (const [index, { page: child, lastId }] of leaves.slice(0, -1).entries()) {
    const pointer = INTERIOR_HEADER_BYTES + POINTER_BYTES * index;
    start -= CHILD_BYTES + varintBytes(lastId);
    if (start < pointer + POINTER_BYTES) throw new RangeError(`${leaves.length} pages of rows are too many`);
    page.writeUInt16BE(start, pointer);
    putVarint(page, page.writeUInt32BE(child, start), lastId);
  }
  putHeader(page, INTERIOR, leaves.length - 1, start);
  page.writeUInt32BE(leaves.at(-1)?.page ?? 0, LEAF_HEADER_BYTES);
}

function putHeader(page: Buffer, type: number, cells: number, start: number): void {
  page[0] = type;
  page.writeUInt16BE(0, 1);
  page.writeUInt16BE(cells, 3);
  // As two bytes: 0 stands for 65,536.
  page.writeUInt16BE(start % PAGE_BYTES, 5);
  page[7] = 0;
}
