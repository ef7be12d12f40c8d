// Texts of which each was counted: as bytes, as there may be very many.

import type { TextBytes } from "../columns/text-bytes.ts";

/** All are different. */
export interface CountedTexts extends TextBytes {
  readonly counts: Float64Array;
}

export function countedTexts(entries: readonly (readonly [text: string, count: number])[]): CountedTexts {
  const ends = new Uint32Array(entries.length);
  let end = 0;
  entries.forEach(([text], place) => {
    end += Buffer.byteLength(text);
    ends[place] = end;
  });
  return {
    bytes: Buffer.from(entries.map(([text]) => text).join("")),
    starts: ends.map((_, place) => ends[place - 1] ?? 0),
    ends,
    counts: Float64Array.from(entries, ([, count]) => count),
  };
}

export function textAt({ bytes, starts, ends }: TextBytes, place: number): string {
  return bytes.toString("utf8", starts[place], ends[place]);
}
