// The texts that the row of an event has, as bytes of the log: so they are handed over to the thread that writes, and no strings
// are made of them before.

/** Their places in a row. */
export const SITE_ID = 0;
export const EVENT_TYPE = 1;
export const PATH = 2;
export const USER_ID = 3;
export const TIMESTAMP = 4;

/** For each text of a row, where it begins in the bytes; and twice its length, with one more when it may be other than ASCII. */
export const BOUNDS = 2 * 5;

/** With more bytes for each row, most are of other rows, or of what is not in rows. */
const BYTES_OF_ROW = 512;

export interface EventTexts {
  /** Records of the log, or parts of them. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Row by row. What an event lacks is empty. */
  readonly bounds: Uint32Array<ArrayBuffer>;
}

/** Those of the rows from `from` up to `to`. */
export function textsOf({ bytes, bounds }: EventTexts, from: number, to: number): EventTexts {
  return { bytes, bounds: bounds.subarray(from * BOUNDS, to * BOUNDS) };
}

export class TextReader {
  readonly #buffer: Buffer;
  readonly #bounds: Uint32Array;
  /** All bytes as characters, when most of them may be of these texts: a part of a string costs less than a string of bytes. */
  readonly #characters: string | undefined;

  constructor({ bytes, bounds }: EventTexts) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bounds = bounds;
    const rows = bounds.length / BOUNDS;
    this.#characters = bytes.length <= rows * BYTES_OF_ROW ? this.#buffer.toString("latin1") : undefined;
  }

  /** The text of a row at a place. Throws a RangeError when it is not in the bytes. */
  read(row: number, place: number): string {
    const at = row * BOUNDS + 2 * place;
    const start = this.#bounds[at] ?? 0;
    const length = this.#bounds[at + 1] ?? 0;
    const end = start + (length >>> 1);
    if (end > this.#buffer.length) throw new RangeError("a text of an event is not in its record");
    if ((length & 1) !== 0) return this.#buffer.toString("utf8", start, end);
    return this.#characters?.slice(start, end) ?? this.#buffer.toString("latin1", start, end);
  }
}
