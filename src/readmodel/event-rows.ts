// The rows of the table `events`, as they are handed over to be written.

import type { LoggedRecords } from "../projector/event-decoder.ts";
import { BOUNDS, type EventTexts } from "../projector/event-texts.ts";

/** In log order. */
export interface EventRows {
  readonly ids: Float64Array<ArrayBuffer>;
  readonly texts: EventTexts;
}

/** Those of the events of a part that count: `counts` has a 1 for them. */
export function eventRows({ events, texts }: LoggedRecords, counts: Uint8Array): EventRows {
  const places: number[] = [];
  for (let place = 0; place < counts.length; place += 1) if (counts[place] === 1) places.push(place);
  const ids = new Float64Array(places.length);
  for (let row = 0; row < places.length; row += 1) ids[row] = (events[places[row] ?? 0]?.offset ?? 0) + 1;
  return { ids, texts: places.length === events.length ? texts : textsAt(places, texts) };
}

function textsAt(places: readonly number[], { bytes, bounds }: EventTexts): EventTexts {
  const some = new Uint32Array(places.length * BOUNDS);
  places.forEach((place, row) => {
    some.set(bounds.subarray(place * BOUNDS, (place + 1) * BOUNDS), row * BOUNDS);
  });
  return { bytes, bounds: some };
}
