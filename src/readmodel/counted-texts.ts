// Texts of which each was counted: as bytes, as there may be very many.

import type { TextBytes } from "../columns/text-bytes.ts";

/** All are different. */
export interface CountedTexts extends TextBytes {
  readonly counts: Float64Array;
}

export function countedTexts(texts: readonly string[], counts: readonly number[]): CountedTexts {
  const ends = new Uint32Array(texts.length);
  let end = 0;
  texts.forEach((text, place) => {
    end += Buffer.byteLength(text);
    ends[place] = end;
  });
  return {
    bytes: Buffer.from(texts.join("")),
    starts: ends.map((_, place) => ends[place - 1] ?? 0),
    ends,
    counts: Float64Array.from(counts),
  };
}

export function textAt({ bytes, starts, ends }: TextBytes, place: number): string {
  return bytes.toString("utf8", starts[place], ends[place]);
}
