import type { LogPosition } from "../../src/log/event-log.ts";
import type { RecordedEvent } from "../../src/log/records.ts";
import type { OffsetEvent } from "../../src/projector/fold.ts";

export interface GivenEvent {
  readonly site?: string;
  readonly type?: string;
  readonly path?: string;
  readonly user?: string;
  readonly at?: string;
  readonly id?: string;
  readonly receivedAtMs?: number;
}

function event(given: GivenEvent): RecordedEvent {
  return {
    siteId: given.site ?? "site",
    eventType: given.type ?? "page_view",
    path: given.path ?? "",
    userId: given.user ?? "",
    timestamp: given.at ?? "2025-11-12T19:30:01Z",
    id:
      given.id === undefined
        ? { case: "serverEventId", value: new Uint8Array(16) }
        : { case: "clientEventId", value: given.id },
    receivedAtMs: BigInt(given.receivedAtMs ?? 1_000_000),
  };
}

/** The events with the offsets from `first` on. */
export function batch(given: readonly GivenEvent[], first = 0): OffsetEvent[] {
  return given.map((one, index) => ({ offset: first + index, event: event(one) }));
}

/** A place in a log behind offset `nextOffset` - 1. */
export function after(nextOffset: number): LogPosition {
  const logId = "0198c0de-0000-7000-8000-0123456789ab";
  return { logId, nextOffset, segment: 0, framePosition: 64 + nextOffset, frameCrc: nextOffset };
}
