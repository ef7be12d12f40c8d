// The short way from the bytes of events to the bytes of records, with no text made in between.
//
// It rests on this: fields 1 to 4 and 6 of IngestEventRequest have the numbers and types that they have in
// RecordedEvent (proto/analytics/v1). So the bytes of a valid event become those of its record when the timestamp is
// put into its canonical form, and the server's id, where the sender gave none, the time of receipt, and what is known of
// the sender follow.
//
// It knows only success. An event is plain when it is valid, and its bytes are what every protobuf encoder writes:
// fields in ascending order, none twice, none empty, none but the first six, no length longer than it need be. What is not
// plain is not judged here: it takes the way of validateEvent, Enricher and RecordEncoder. plain-events.test.ts holds both
// ways to the same records.

import { isUtf8 } from "node:buffer";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { RecordGroup } from "../log/event-log.ts";
import { type CanonicalTime, CanonicalTimes } from "./canonical-times.ts";
import type { Enricher } from "./enricher.ts";
import { type EventIds, ID_BYTES, idText } from "./event-id.ts";
import { copy, type Target, writeLength, writeTag } from "./message-target.ts";
import type { Origin } from "./origin.ts";
import { countEvents, endOfEvent, lengthAt, sizeOfLength } from "./plain-batch.ts";
import {
  MAX_AHEAD_MS,
  MAX_EVENT_ID_BYTES,
  MAX_EVENT_TYPE_BYTES,
  MAX_PATH_BYTES,
  MAX_SITE_ID_BYTES,
  MAX_USER_ID_BYTES,
} from "./validate.ts";

/** Longer than any timestamp, in bytes; whether it is one is found out by reading it. */
const MAX_TIMESTAMP_BYTES = 64;
/** The most bytes of the fields of an IngestEventRequest, by their numbers. */
const MAX_BYTES: readonly number[] = [
  0,
  MAX_SITE_ID_BYTES,
  MAX_EVENT_TYPE_BYTES,
  MAX_PATH_BYTES,
  MAX_USER_ID_BYTES,
  MAX_TIMESTAMP_BYTES,
  MAX_EVENT_ID_BYTES,
];
const SITE_ID = 1;
const EVENT_TYPE = 2;
const USER_ID = 4;
const TIMESTAMP = 5;
const EVENT_ID = 6;
const SERVER_ID = 7;
const RECEIVED_AT = 8;

/** What a record may be longer than its event by: two lengths with a tag between, timestamp, server's id, receipt. */
const MAX_GROWTH_BYTES = 5 + (2 + 30) + (2 + ID_BYTES) + (1 + 10);
/** More than what is known of a sender takes, in bytes, unless the names of its places are absurd. */
const MAX_SENDER_BYTES = 1024;
const NOTHING: Uint8Array = new Uint8Array();

export interface PlainRecord {
  readonly group: RecordGroup;
  /** The event's id as text: the sender's, or the server's UUID. */
  readonly eventId: string;
}

export class PlainEvents {
  readonly #ids: EventIds;
  readonly #enricher: Enricher;
  readonly #times = new CanonicalTimes();
  /** The field of the time of receipt that was written last. */
  #receipt: { readonly ms: number; readonly field: Uint8Array } = { ms: 0, field: receivedAtField(0) };

  constructor(ids: EventIds, enricher: Enricher) {
    this.#ids = ids;
    this.#enricher = enricher;
  }

  /**
   * The records of events received at `receivedAtMs`, byte for byte what RecordEncoder makes of them; undefined when not
   * all are plain. Each event is an IngestEventRequest with its length before it, as a varint.
   */
  records(events: readonly Uint8Array[], receivedAtMs: number): RecordGroup | undefined {
    const room = events.reduce((sum, event) => sum + event.length + MAX_GROWTH_BYTES, 0);
    const target: Target = { bytes: Buffer.allocUnsafeSlow(room), at: 0 };
    for (const event of events) {
      const layout = layoutOf(event, endOfLength(event), event.length);
      if (!layout || !this.#writeIfTimely(target, event, layout, receivedAtMs)) return undefined;
    }
    return { bytes: target.bytes.subarray(0, target.at), count: events.length };
  }

  /** The same of the events of an IngestEventsRequest with nothing else in it. */
  batch(message: Uint8Array, receivedAtMs: number): RecordGroup | undefined {
    const count = countEvents(message);
    if (!count) return undefined;
    const target: Target = {
      bytes: Buffer.allocUnsafeSlow(message.length + count * MAX_GROWTH_BYTES),
      at: 0,
    };
    let end = 0;
    for (let at = 0; at < message.length; at = end) {
      end = endOfEvent(message, at);
      const layout = layoutOf(message, at + 1 + sizeOfLength(lengthAt(message, at + 1)), end);
      if (!layout || !this.#writeIfTimely(target, message, layout, receivedAtMs)) return undefined;
    }
    return { bytes: target.bytes.subarray(0, target.at), count };
  }

  /**
   * The same of one event, an IngestEventRequest without anything before it, that comes from `origin`; with the id that
   * the event has.
   */
  record(event: Buffer, receivedAtMs: number, origin: Origin): PlainRecord | undefined {
    const layout = layoutOf(event, 0, event.length);
    if (!layout) return undefined;
    const siteId = event.toString("utf8", layout.siteText, layout.siteEnd);
    const sender = this.#enricher.senderBytes(siteId, layout.hasUserId, origin, receivedAtMs);
    if (sender.length > MAX_SENDER_BYTES) return undefined;
    const room = event.length + MAX_GROWTH_BYTES + sender.length;
    const target: Target = { bytes: Buffer.allocUnsafe(room), at: 0 };
    if (!this.#writeIfTimely(target, event, layout, receivedAtMs, sender)) return undefined;
    // Only the time of receipt and the sender follow the server's id.
    const serverId = target.at - sender.length - this.#receiptField(receivedAtMs).length - ID_BYTES;
    const eventId =
      layout.idText === undefined
        ? idText(target.bytes, serverId)
        : event.toString("utf8", layout.idText, layout.end);
    return { group: { bytes: target.bytes.subarray(0, target.at), count: 1 }, eventId };
  }

  /** Writes the record of the event that is laid out so in `event`, when its timestamp is one that is taken. */
  #writeIfTimely(
    target: Target,
    event: Uint8Array,
    layout: Layout,
    receivedAtMs: number,
    sender = NOTHING,
  ): boolean {
    const time = this.#timeOf(event, layout, receivedAtMs);
    if (!time) return false;
    const receipt = this.#receiptField(receivedAtMs);
    const { start, end, timeField, timeEnd } = layout;
    const hasId = layout.idText !== undefined;
    const given = timeField - start + (end - timeEnd);
    const timeLength = time.end - time.start;
    const length = given + 2 + timeLength + (hasId ? 0 : 2 + ID_BYTES) + receipt.length + sender.length;
    writeLength(target, 1 + (length < 0x80 ? 1 : 2) + length);
    writeTag(target, 1);
    writeLength(target, length);
    copy(target, event, start, timeField);
    writeTag(target, TIMESTAMP);
    writeLength(target, timeLength);
    copy(target, time.bytes, time.start, time.end);
    copy(target, event, timeEnd, end);
    if (!hasId) {
      writeTag(target, SERVER_ID);
      writeLength(target, ID_BYTES);
      this.#ids.write(receivedAtMs, target.bytes, target.at);
      target.at += ID_BYTES;
    }
    copy(target, receipt, 0, receipt.length);
    copy(target, sender, 0, sender.length);
    return true;
  }

  #receiptField(receivedAtMs: number): Uint8Array {
    if (this.#receipt.ms !== receivedAtMs) {
      this.#receipt = { ms: receivedAtMs, field: receivedAtField(receivedAtMs) };
    }
    return this.#receipt.field;
  }

  #timeOf(event: Uint8Array, layout: Layout, receivedAtMs: number): CanonicalTime | undefined {
    if (layout.timeText === layout.timeEnd) return this.#times.ofMs(receivedAtMs);
    const time = this.#times.ofText(event, layout.timeText, layout.timeEnd);
    return time && time.epochMs <= receivedAtMs + MAX_AHEAD_MS ? time : undefined;
  }
}

/** Where the parts of a plain event are, but for its timestamp, which is still to be read. */
interface Layout {
  /** Where the event begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly siteText: number;
  readonly siteEnd: number;
  readonly hasUserId: boolean;
  /** Where the timestamp has its tag, its text and its end; without one, all are where it would be. */
  readonly timeField: number;
  readonly timeText: number;
  readonly timeEnd: number;
  /** Where the text of the sender's id begins, which goes on to the end of the event; undefined without one. */
  readonly idText: number | undefined;
}

/** Where the length at the beginning of `event`, a varint, ends. */
function endOfLength(event: Uint8Array): number {
  let at = 0;
  while ((event[at] ?? 0) >= 0x80) at += 1;
  return at + 1;
}

/** Of the event from `start` to `end`; undefined when it is not plain. */
function layoutOf(event: Uint8Array, start: number, end: number): Layout | undefined {
  let at = start;
  let siteText = start;
  let siteEnd = start;
  let hasUserId = false;
  let idText: number | undefined;
  let timeField = end;
  let timeText = end;
  let timeEnd = end;
  let field = 0;
  while (at < end) {
    const fieldAt = at;
    const tag = event[at] ?? 0;
    const next = tag >>> 3;
    // What is required comes first.
    const isNext = field < EVENT_TYPE ? next === field + 1 : next > field;
    if (!isNext || next > EVENT_ID || (tag & 7) !== WireType.LengthDelimited) return undefined;
    const length = lengthAt(event, at + 1);
    at += 1 + sizeOfLength(length);
    const textEnd = at + length;
    if (length <= 0 || length > (MAX_BYTES[next] ?? 0) || textEnd > end) return undefined;
    if (!isPlainText(event, at, textEnd)) return undefined;
    if (next === SITE_ID) {
      siteText = at;
      siteEnd = textEnd;
    }
    if (next === USER_ID) hasUserId = true;
    if (next === EVENT_ID) idText = at;
    if (next === TIMESTAMP) {
      timeField = fieldAt;
      timeText = at;
      timeEnd = textEnd;
    } else if (next === EVENT_ID && field !== TIMESTAMP) {
      timeField = fieldAt;
      timeText = fieldAt;
      timeEnd = fieldAt;
    }
    field = next;
    at = textEnd;
  }
  if (field < EVENT_TYPE) return undefined;
  return { start, end, siteText, siteEnd, hasUserId, timeField, timeText, timeEnd, idText };
}

/** Whether it is UTF-8 without control characters. */
function isPlainText(bytes: Uint8Array, start: number, end: number): boolean {
  let isAscii = true;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x20 || byte === 0x7f) return false;
    if (byte >= 0x80) {
      // U+0080 to U+009F are control characters too. In UTF-8, 0xC2 is the first byte of a character, or none.
      if (byte === 0xc2 && (bytes[at + 1] ?? 0) < 0xa0) return false;
      isAscii = false;
    }
  }
  return isAscii || isUtf8(bytes.subarray(start, end));
}

function receivedAtField(receivedAtMs: number): Uint8Array {
  const writer = new BinaryWriter();
  if (receivedAtMs !== 0) writer.tag(RECEIVED_AT, WireType.Varint).int64(receivedAtMs);
  return writer.finish();
}
