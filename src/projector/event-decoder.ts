// Reads the events of frames for the fold: what it looks at, in one flat object for each event. Everything else that
// reads records goes by decodeRecords (src/log/records.ts), which costs twice as much; event-decoder.test.ts holds the
// two to the same events.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FRAME_HEADER_BYTES } from "../log/format.ts";
import type { Frame } from "../log/frame-reader.ts";
import { Texts } from "./texts.ts";

/** What the fold looks at of an event of the log. Texts that the event lacks are empty. */
export interface LoggedEvent {
  readonly offset: number;
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  readonly timestamp: string;
  /** The sender's id; undefined when the server gave the event its id. */
  readonly clientEventId: string | undefined;
  readonly receivedAtMs: number;
}

/** A frame has something else than events, or not what it promises: the fold cannot go on behind it. */
export class UnreadableFrame extends Error {}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The tags of LogRecord's event, and of RecordedEvent's fields (proto/analytics/v1/event_log.proto). */
const EVENT = tagOf(1, WireType.LengthDelimited);
const SITE_ID = tagOf(1, WireType.LengthDelimited);
const EVENT_TYPE = tagOf(2, WireType.LengthDelimited);
const PATH = tagOf(3, WireType.LengthDelimited);
const USER_ID = tagOf(4, WireType.LengthDelimited);
const TIMESTAMP = tagOf(5, WireType.LengthDelimited);
const CLIENT_EVENT_ID = tagOf(6, WireType.LengthDelimited);
const RECEIVED_AT_MS = tagOf(8, WireType.Varint);

export class EventDecoder {
  readonly #texts = new Texts();

  /** The events of a frame, in order. Throws an UnreadableFrame when it has anything else. */
  decode(frame: Frame): LoggedEvent[] {
    try {
      return this.#decode(frame);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UnreadableFrame(`the frame at offset ${frame.header.firstOffset}: ${reason}`, {
        cause: error,
      });
    }
  }

  #decode(frame: Frame): LoggedEvent[] {
    const { firstOffset, count, payloadBytes } = frame.header;
    const payload = frame.bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes);
    const reader = new BinaryReader(payload);
    const events: LoggedEvent[] = [];
    while (reader.pos < reader.len) {
      events.push(this.#readRecord(reader, payload, firstOffset + events.length));
    }
    if (events.length === count) return events;
    throw new Error(`it promises ${count} records and has ${events.length}`);
  }

  #readRecord(reader: BinaryReader, payload: Buffer, offset: number): LoggedEvent {
    const end = endOf(reader, reader.len);
    let event: LoggedEvent | undefined;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === EVENT) event = this.#readEvent(reader, payload, endOf(reader, end), offset);
      else reader.skip(tag & 7, tag >>> 3);
    }
    if (event) return event;
    throw new Error(`the record at offset ${offset} is of a kind that this version does not know`);
  }

  #readEvent(reader: BinaryReader, payload: Buffer, end: number, offset: number): LoggedEvent {
    const event: Writable<LoggedEvent> = {
      offset,
      siteId: "",
      eventType: "",
      path: "",
      userId: "",
      timestamp: "",
      clientEventId: undefined,
      receivedAtMs: 0,
    };
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag) {
        case SITE_ID:
          event.siteId = this.#readKnown(reader, payload, end);
          break;
        case EVENT_TYPE:
          event.eventType = this.#readKnown(reader, payload, end);
          break;
        case PATH:
          event.path = this.#readKnown(reader, payload, end);
          break;
        case USER_ID:
          event.userId = this.#readKnown(reader, payload, end);
          break;
        case TIMESTAMP:
          event.timestamp = readText(reader, payload, end);
          break;
        case CLIENT_EVENT_ID:
          event.clientEventId = readText(reader, payload, end);
          break;
        case RECEIVED_AT_MS:
          event.receivedAtMs = Number(reader.int64());
          break;
        default:
          reader.skip(tag & 7, tag >>> 3);
      }
    }
    return event;
  }

  /** A text that events have in common. */
  #readKnown(reader: BinaryReader, payload: Buffer, limit: number): string {
    const end = endOf(reader, limit);
    const text = this.#texts.read(payload, reader.pos, end);
    reader.pos = end;
    return text;
  }
}

/** A text that hardly two events have in common. */
function readText(reader: BinaryReader, payload: Buffer, limit: number): string {
  const end = endOf(reader, limit);
  const text = payload.toString("utf8", reader.pos, end);
  reader.pos = end;
  return text;
}

/** Reads a length; where what is behind it ends, which must not be behind `limit`. */
function endOf(reader: BinaryReader, limit: number): number {
  const end = reader.uint32() + reader.pos;
  if (end > limit) throw new RangeError("a field is longer than what it is in");
  return end;
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}
