// The texts that the row of an event has, as bytes of the log: so they are handed over to the thread that writes, and no strings
// are made of them before.

/** site_id, event_type, path, user_id and timestamp, in this order. */
const TEXTS = 5;
/** For each of them, where it begins in the bytes; and twice its length, with one more when it may be other than ASCII. */
export const BOUNDS = 2 * TEXTS;

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

/** For each of the texts, those of all rows. Throws a RangeError when one is not in the bytes. */
export function textColumns({ bytes, bounds }: EventTexts): string[][] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Made at once: a part of a string costs less than a string of some bytes.
  const characters = buffer.toString("latin1");
  const columns: string[][] = [];
  for (let text = 0; text < TEXTS; text += 1) {
    const column: string[] = [];
    for (let at = 2 * text; at < bounds.length; at += BOUNDS) {
      const [start, length] = [bounds[at] ?? 0, bounds[at + 1] ?? 0];
      const end = start + (length >>> 1);
      if (end > bytes.length) throw new RangeError("a text of an event is not in its record");
      column.push((length & 1) === 0 ? characters.slice(start, end) : buffer.toString("utf8", start, end));
    }
    columns.push(column);
  }
  return columns;
}
