// Reads the events of frames for the fold: what it looks at, in one flat object for each event. Everything else that
// reads records goes by decodeRecords (src/log/records.ts), which costs twice as much; event-decoder.test.ts holds the
// two to the same events.

import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import {
  type RecordedGoal,
  RecordedGoalSchema,
  type RecordedSite,
  RecordedSiteSchema,
} from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { FRAME_HEADER_BYTES } from "../log/format.ts";
import type { Frame } from "../log/frame-reader.ts";
import { DetailsReader, type EventDetails } from "./event-details.ts";
import { BOUNDS, EVENT_TYPE, type EventTexts, PATH, SITE_ID, TIMESTAMP, USER_ID } from "./event-texts.ts";
import { PartBuilder } from "./part-builder.ts";
import { Texts } from "./texts.ts";
import { TimestampReader } from "./timestamp-reader.ts";
import { endOf, readNumber } from "./wire.ts";

/** What the fold looks at of an event of the log. Texts that the event lacks are empty. */
export interface LoggedEvent {
  readonly offset: number;
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  /** Of its path (texts.ts). */
  readonly pathHash: number;
  readonly userId: string;
  /** Its timestamp in ms since 1970-01-01T00:00:00Z, without what is finer; NaN when that is none. */
  readonly timeMs: number;
  /** The sender's id; undefined when the server gave the event its id. */
  readonly clientEventId: string | undefined;
  readonly receivedAtMs: number;
  /** What else is told or known of it; undefined when nothing is. */
  readonly more: EventDetails | undefined;
}

/** A record that is no event. */
export type LoggedSetting = RecordedSite | RecordedGoal;

/** Records of the log: events, and settings that come behind them. */
export interface LoggedRecords {
  readonly events: readonly LoggedEvent[];
  /** Those of the events' rows, in the same order. */
  readonly texts: EventTexts;
  readonly settings: readonly LoggedSetting[];
}

/** A frame has something else than events, or not what it promises: the fold cannot go on behind it. */
export class UnreadableFrame extends Error {}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The tags of what a LogRecord can be, and of RecordedEvent's fields (proto/analytics/v1/event_log.proto). */
const EVENT = tagOf(1, WireType.LengthDelimited);
const SITE = tagOf(2, WireType.LengthDelimited);
const GOAL = tagOf(3, WireType.LengthDelimited);
const SITE_ID_TAG = tagOf(1, WireType.LengthDelimited);
const EVENT_TYPE_TAG = tagOf(2, WireType.LengthDelimited);
const PATH_TAG = tagOf(3, WireType.LengthDelimited);
const USER_ID_TAG = tagOf(4, WireType.LengthDelimited);
const TIMESTAMP_TAG = tagOf(5, WireType.LengthDelimited);
const CLIENT_EVENT_ID_TAG = tagOf(6, WireType.LengthDelimited);
const SERVER_EVENT_ID_TAG = tagOf(7, WireType.LengthDelimited);
const RECEIVED_AT_MS_TAG = tagOf(8, WireType.Varint);

/** With fewer, fewer visitors are looked up together; with more, V8 copies more of them before they are gone. */
const PART_EVENTS = 8000;

export class EventDecoder {
  readonly #texts = new Texts();
  readonly #timestamps = new TimestampReader();
  readonly #details = new DetailsReader(this.#texts);
  /** Those of the event that was read last, in its frame. */
  readonly #bounds = new Uint32Array(BOUNDS);

  /**
   * The records of frames, in order, in parts of a size that does not depend on the frames': what is folded of a part is gone
   * before V8 takes it for something that lasts. Throws an UnreadableFrame when one has others than it can read.
   */
  *parts(frames: Iterable<Frame>): Iterable<LoggedRecords> {
    let part = this.#beginPart();
    for (const { header, bytes } of frames) {
      const { firstOffset, count, payloadBytes } = header;
      const payload = bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes);
      const reader = new BinaryReader(payload);
      let found = 0;
      for (; reader.pos < reader.len; found += 1) {
        if (part.events.length === PART_EVENTS) {
          yield part.finish();
          part = this.#beginPart();
        }
        const start = reader.pos;
        const record = this.#recordOf(reader, payload, firstOffset, found);
        const isEvent = "eventType" in record;
        if (isEvent && part.settings.length > 0) {
          yield part.finish();
          // The details go on: those of this record are among them.
          part = new PartBuilder();
        }
        if (isEvent) part.addEvent(record, this.#bounds, payload, start, reader.pos);
        else part.settings.push(record);
      }
      if (found !== count) throw unreadable(firstOffset, `it promises ${count} records and has ${found}`);
    }
    if (part.events.length + part.settings.length > 0) yield part.finish();
  }

  #beginPart(): PartBuilder {
    this.#details.beginPart();
    return new PartBuilder();
  }

  #recordOf(reader: BinaryReader, payload: Buffer, firstOffset: number, place: number) {
    try {
      return this.#readRecord(reader, payload, firstOffset + place);
    } catch (error) {
      throw unreadable(firstOffset, error instanceof Error ? error.message : String(error), error);
    }
  }

  #readRecord(reader: BinaryReader, payload: Buffer, offset: number): LoggedEvent | LoggedSetting {
    const end = endOf(reader, reader.len);
    let record: LoggedEvent | LoggedSetting | undefined;
    while (reader.pos < end) {
      const tag = reader.uint32();
      if (tag === EVENT) record = this.#readEvent(reader, payload, endOf(reader, end), offset);
      else if (tag === SITE) record = fromBinary(RecordedSiteSchema, reader.bytes());
      else if (tag === GOAL) record = fromBinary(RecordedGoalSchema, reader.bytes());
      else reader.skip(tag & 7, tag >>> 3);
    }
    if (record) return record;
    throw new Error(`the record at offset ${offset} is of a kind that this version does not know`);
  }

  #readEvent(reader: BinaryReader, payload: Buffer, end: number, offset: number): LoggedEvent {
    const event: Writable<LoggedEvent> = {
      offset,
      siteId: "",
      eventType: "",
      path: "",
      pathHash: 0,
      userId: "",
      timeMs: Number.NaN,
      clientEventId: undefined,
      receivedAtMs: 0,
      more: undefined,
    };
    this.#bounds.fill(0);
    this.#details.beginEvent();
    while (reader.pos < end) {
      const tag = reader.uint32();
      switch (tag) {
        case SITE_ID_TAG:
          event.siteId = this.#readOfRow(SITE_ID, reader, payload, end);
          break;
        case EVENT_TYPE_TAG:
          event.eventType = this.#readOfRow(EVENT_TYPE, reader, payload, end);
          break;
        case PATH_TAG:
          event.path = this.#readOfRow(PATH, reader, payload, end);
          event.pathHash = this.#texts.hash;
          break;
        case USER_ID_TAG:
          event.userId = this.#readOfRow(USER_ID, reader, payload, end);
          break;
        case TIMESTAMP_TAG:
          event.timeMs = this.#readTimestamp(reader, payload, end);
          break;
        case CLIENT_EVENT_ID_TAG:
          event.clientEventId = readText(reader, payload, end);
          break;
        case SERVER_EVENT_ID_TAG:
          reader.pos = endOf(reader, end);
          break;
        case RECEIVED_AT_MS_TAG:
          event.receivedAtMs = readNumber(reader, payload, end);
          break;
        default:
          this.#details.read(tag >>> 3, tag & 7, reader, payload, end);
      }
    }
    event.more = this.#details.endEvent();
    return event;
  }

  /** A text that events have in common, and that has a place in their rows. */
  #readOfRow(place: number, reader: BinaryReader, payload: Buffer, limit: number): string {
    const end = endOf(reader, limit);
    const start = reader.pos;
    reader.pos = end;
    const text = this.#texts.read(payload, start, end);
    this.#place(place, start, end, this.#texts.hash !== 0);
    return text;
  }

  #readTimestamp(reader: BinaryReader, payload: Buffer, limit: number): number {
    const end = endOf(reader, limit);
    const start = reader.pos;
    reader.pos = end;
    this.#place(TIMESTAMP, start, end, true);
    return this.#timestamps.read(payload, start, end);
  }

  /** Puts down where the text at `place` of the event's row is. */
  #place(place: number, start: number, end: number, isAscii: boolean): void {
    this.#bounds[2 * place] = start;
    this.#bounds[2 * place + 1] = 2 * (end - start) + (isAscii ? 0 : 1);
  }
}

function unreadable(firstOffset: number, reason: string, cause?: unknown): UnreadableFrame {
  return new UnreadableFrame(`the frame at offset ${firstOffset}: ${reason}`, { cause });
}

/** A text that hardly two events have in common. */
function readText(reader: BinaryReader, payload: Buffer, limit: number): string {
  const end = endOf(reader, limit);
  const text = payload.toString("utf8", reader.pos, end);
  reader.pos = end;
  return text;
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}
