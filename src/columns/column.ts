// A column of a chunk of events as bytes:
//
//   byte 0       width of a code in bytes: 0 (all codes are 0, and none is written), 1, 2, 4 or 8
//   bytes 4-7    how many rows it has, uint32
//   bytes 8-15   base, float64
//   bytes 16-    the codes, one for each row, unsigned; of width 8 they are float64
//   then         of texts: the dictionary, a JSON array of texts
//
// Numbers are little-endian. The number of a row is base + code; its text is the one in the dictionary with that place.
// Texts begin with the empty one, which most rows of most columns have.

import { readTexts, type TextBytes } from "./text-bytes.ts";
import { widened } from "./widened.ts";

const HEADER_BYTES = 16;

export interface TextColumn {
  readonly dictionary: readonly string[];
  /** For each row its place in the dictionary. */
  readonly codes: Uint32Array;
}

/** A column of whole numbers or fractions; all must be finite. */
export function encodeNumbers(values: Float64Array | Uint32Array): Buffer {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  let areWhole = values.length > 0;
  // By index: an iterator makes an object of each number.
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? 0;
    if (value < least) least = value;
    if (value > most) most = value;
    areWhole &&= Number.isSafeInteger(value);
  }
  // Of numbers that are further apart, the difference is not exact.
  const isNarrow = areWhole && most - least < 2 ** 32;
  const base = isNarrow ? least : 0;
  const width = isNarrow ? widthOf(most - least) : 8;
  const codes = allocate(width, values.length);
  for (let row = 0; row < codes.length; row += 1) codes[row] = (values[row] ?? 0) - base;
  return Buffer.concat([header(width, values.length, base), bytesOf(codes)]);
}

/** A column of texts: for each row, its place in `dictionary`. */
export function encodeTexts(codes: Uint32Array, dictionary: readonly string[]): Buffer {
  const width = widthOf(dictionary.length - 1);
  const narrow = allocate(width, codes.length);
  for (let row = 0; row < narrow.length; row += 1) narrow[row] = codes[row] ?? 0;
  const texts = Buffer.from(JSON.stringify(dictionary));
  return Buffer.concat([header(width, codes.length, 0), bytesOf(narrow), texts]);
}

/** How many rows a column has. */
export function rowsOf(column: Buffer): number {
  return column.readUInt32LE(4);
}

export function decodeNumbers(bytes: Buffer): Float64Array {
  const { base, codes, rows } = decode(bytes);
  const values = new Float64Array(rows).fill(base);
  for (let row = 0; row < codes.length; row += 1) values[row] = base + (codes[row] ?? 0);
  return values;
}

/** A column of whole numbers from 0 to 2^32 - 1. */
export function decodeIntegers(bytes: Buffer): Uint32Array {
  const { base, codes, rows } = decode(bytes);
  const values = new Uint32Array(rows).fill(base);
  for (let row = 0; row < codes.length; row += 1) values[row] = base + (codes[row] ?? 0);
  return values;
}

export function decodeTexts(bytes: Buffer): TextColumn {
  const { codes, rows, end } = decode(bytes);
  const dictionary: string[] = JSON.parse(bytes.toString("utf8", end));
  return { dictionary, codes: widened(codes, rows) };
}

/** As decodeTexts(), but the texts as bytes. */
export function decodeTextBytes(bytes: Buffer): { readonly codes: Uint32Array; readonly texts: TextBytes } {
  const { codes, rows, end } = decode(bytes);
  return { codes: widened(codes, rows), texts: readTexts(bytes.subarray(end)) };
}

type Codes = Uint8Array | Uint16Array | Uint32Array | Float64Array;
type Width = 0 | 1 | 2 | 4 | 8;

interface Decoded {
  readonly base: number;
  readonly rows: number;
  /** None when they are all 0. */
  readonly codes: Codes;
  /** Where they end. */
  readonly end: number;
}

function decode(bytes: Buffer): Decoded {
  const width = widthFrom(bytes[0]);
  const rows = rowsOf(bytes);
  const end = HEADER_BYTES + rows * width;
  const codes = allocate(width, rows);
  // Copied, as codes must be aligned in memory.
  bytesOf(codes).set(bytes.subarray(HEADER_BYTES, end));
  return { base: bytes.readDoubleLE(8), rows, codes, end };
}

function header(width: Width, rows: number, base: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = width;
  bytes.writeUInt32LE(rows, 4);
  bytes.writeDoubleLE(base, 8);
  return bytes;
}

/** Of the codes from 0 to `most`, which is below 2^32. */
function widthOf(most: number): Width {
  if (most <= 0) return 0;
  if (most < 2 ** 8) return 1;
  return most < 2 ** 16 ? 2 : 4;
}

function widthFrom(byte: number | undefined): Width {
  if (byte === 0 || byte === 1 || byte === 2 || byte === 4 || byte === 8) return byte;
  throw new RangeError(`a column has codes of ${byte} bytes`);
}

function allocate(width: Width, rows: number): Codes {
  if (width === 0) return new Uint8Array(0);
  if (width === 1) return new Uint8Array(rows);
  if (width === 2) return new Uint16Array(rows);
  return width === 4 ? new Uint32Array(rows) : new Float64Array(rows);
}

function bytesOf(codes: Codes): Uint8Array {
  return new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength);
}
