import { isAscii } from "node:buffer";
import type { TextColumnName } from "../../src/columns/chunk.ts";
import type { LogPosition } from "../../src/log/event-log.ts";
import type { RecordedEvent } from "../../src/log/records.ts";
import { DETAIL_COLUMNS, DetailTexts } from "../../src/projector/detail-texts.ts";
import type { LoggedEvent, LoggedRecords } from "../../src/projector/event-decoder.ts";
import type { EventDetails } from "../../src/projector/event-details.ts";
import type { EventTexts } from "../../src/projector/event-texts.ts";
import type { Batch } from "../../src/readmodel/writer.ts";

/** Texts by their columns, and what is no text. */
export type GivenDetails = Partial<Readonly<Record<TextColumnName, string>>> &
  Partial<Pick<EventDetails, "revenueMicros" | "isBot" | "visitor">>;

export interface GivenEvent {
  readonly site?: string;
  readonly type?: string;
  readonly path?: string;
  readonly user?: string;
  readonly at?: string;
  readonly id?: string;
  readonly receivedAtMs?: number;
  readonly more?: GivenDetails;
  /** It cannot be folded. */
  readonly isPoison?: boolean;
}

/** The type of events of which the text is not where it should be. It stands for whatever a row cannot be made of. */
const POISON = "poison";

/** An event with the timestamp that its row has. */
export interface LoggedWithTimestamp extends LoggedEvent {
  readonly timestamp: string;
}

/** Events of the log with the offsets from `first` on. */
export function logged(given: readonly GivenEvent[], first = 0): LoggedWithTimestamp[] {
  return given.map((one, index) => ({
    offset: first + index,
    siteId: one.site ?? "site",
    eventType: one.isPoison ? POISON : (one.type ?? "page_view"),
    path: one.path ?? "",
    // One that many have in common.
    pathHash: (one.path ?? "").length,
    userId: one.user ?? "",
    timestamp: one.at ?? "2025-11-12T19:30:01Z",
    timeMs: Date.parse(one.at ?? "2025-11-12T19:30:01Z"),
    clientEventId: one.id,
    receivedAtMs: one.receivedAtMs ?? 1_000_000,
    more: one.more && detailsOf(one.more),
  }));
}

function detailsOf({ revenueMicros = 0, isBot = false, visitor = "", ...given }: GivenDetails): EventDetails {
  const texts = new DetailTexts();
  const columns: readonly unknown[] = DETAIL_COLUMNS;
  for (const [column, text] of Object.entries(given)) {
    const field = columns.indexOf(column);
    // A hash that many have in common.
    texts.add(field, text, text.length);
  }
  return { texts, first: 0, end: texts.length, revenueMicros, isBot, visitor };
}

/** Events as the fold gets them. */
export function partOf(events: readonly LoggedWithTimestamp[]): LoggedRecords {
  return { events, texts: textsOf(events), settings: [] };
}

function textsOf(events: readonly LoggedWithTimestamp[]): EventTexts {
  const texts = events.flatMap((event) => {
    const { siteId, eventType, path, userId, timestamp } = event;
    return [siteId, eventType, path, userId, timestamp].map((text) => Buffer.from(text));
  });
  const bytes = new Uint8Array(Buffer.concat(texts));
  let start = 0;
  const bounds = texts.flatMap((text) => {
    const isElsewhere = text.equals(Buffer.from(POISON));
    const bound = [isElsewhere ? bytes.length : start, 2 * text.length + (isAscii(text) ? 0 : 1)];
    start += text.length;
    return bound;
  });
  return { bytes, bounds: Uint32Array.from(bounds) };
}

/** The events with the offsets from `first` on, in one part. */
export function batch(given: readonly GivenEvent[], first = 0): Batch {
  return { firstOffset: first, parts: [partOf(logged(given, first))] };
}

/** As the log has them. */
export function recorded(given: readonly GivenEvent[]): RecordedEvent[] {
  return logged(given).map(({ siteId, eventType, path, userId, timestamp, clientEventId, receivedAtMs }) => ({
    ...{ siteId, eventType, path, userId, timestamp, receivedAtMs: BigInt(receivedAtMs) },
    id:
      clientEventId === undefined
        ? { case: "serverEventId", value: new Uint8Array(16) }
        : { case: "clientEventId", value: clientEventId },
  }));
}

/** A place in a log behind offset `nextOffset` - 1. */
export function after(nextOffset: number): LogPosition {
  const logId = "0198c0de-0000-7000-8000-0123456789ab";
  return { logId, nextOffset, segment: 0, framePosition: 64 + nextOffset, frameCrc: nextOffset };
}
