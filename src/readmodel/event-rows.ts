// The rows of the table `events`, as they are handed over to be written.

import type { LoggedRecords } from "../projector/event-decoder.ts";
import { BOUNDS, type EventTexts } from "../projector/event-texts.ts";

/** In log order. */
export interface EventRows {
  readonly ids: Float64Array<ArrayBuffer>;
  readonly texts: EventTexts;
}

/** Those of the events at `places` of a part. */
export function eventRows({ events, texts }: LoggedRecords, places: readonly number[]): EventRows {
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
