// Which of many texts can be among the most frequent ones.

import type { TextBytes } from "../columns/text-bytes.ts";

/** Texts that are there more often are above it, and of those that are there as often the ones up to its text, by their bytes. */
export interface Floor {
  readonly count: number;
  readonly text: Uint8Array;
}

export interface Above {
  /** Of those that are above the floor. */
  readonly places: readonly number[];
  readonly floor: Floor;
}

/** The texts above `floor`, at most three times `most`: when there are more, the floor rises so that at least `most` are. */
export function above(texts: TextBytes, counts: Float64Array, floor: Floor, most: number): Above {
  const { bytes, starts, ends } = texts;
  const floorAt = (place: number): Floor => ({
    count: counts[place] ?? 0,
    text: bytes.subarray(starts[place], ends[place]),
  });
  const rank = (a: number, b: number) =>
    (counts[b] ?? 0) - (counts[a] ?? 0) ||
    compareBytes(bytes, starts[a] ?? 0, ends[a] ?? 0, bytes, starts[b] ?? 0, ends[b] ?? 0);
  let places: number[] = [];
  let risen = floor;
  for (let place = 0; place < counts.length; place += 1) {
    const count = counts[place] ?? 0;
    if (count < risen.count) continue;
    const { text } = risen;
    const isAbove =
      count > risen.count ||
      compareBytes(bytes, starts[place] ?? 0, ends[place] ?? 0, text, 0, text.length) <= 0;
    if (!isAbove) continue;
    places.push(place);
    if (places.length <= 3 * most) continue;
    places = places.sort(rank).slice(0, most);
    risen = floorAt(places[most - 1] ?? 0);
  }
  return { places, floor: risen };
}

/** Byte by byte: most differ soon, and calls out of JavaScript take longer. */
function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[aStart + at] ?? 0) - (b[bStart + at] ?? 0);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
