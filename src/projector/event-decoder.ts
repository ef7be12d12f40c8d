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
import { daysFromCivil, MS_PER_DAY } from "../ingest/timestamp.ts";
import { FRAME_HEADER_BYTES } from "../log/format.ts";
import type { Frame } from "../log/frame-reader.ts";
import { DetailsBuilder, type EventDetails } from "./event-details.ts";
import { Texts } from "./texts.ts";

/** What the fold looks at of an event of the log. Texts that the event lacks are empty. */
export interface LoggedEvent {
  readonly offset: number;
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  readonly timestamp: string;
  /** The same in ms since 1970-01-01T00:00:00Z, without what is finer. */
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
  readonly settings: readonly LoggedSetting[];
}

/** A frame has something else than events, or not what it promises: the fold cannot go on behind it. */
export class UnreadableFrame extends Error {}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The tags of what a LogRecord can be, and of RecordedEvent's fields (proto/analytics/v1/event_log.proto). */
const EVENT = tagOf(1, WireType.LengthDelimited);
const SITE = tagOf(2, WireType.LengthDelimited);
const GOAL = tagOf(3, WireType.LengthDelimited);
const SITE_ID = tagOf(1, WireType.LengthDelimited);
const EVENT_TYPE = tagOf(2, WireType.LengthDelimited);
const PATH = tagOf(3, WireType.LengthDelimited);
const USER_ID = tagOf(4, WireType.LengthDelimited);
const TIMESTAMP = tagOf(5, WireType.LengthDelimited);
const CLIENT_EVENT_ID = tagOf(6, WireType.LengthDelimited);
const SERVER_EVENT_ID = tagOf(7, WireType.LengthDelimited);
const RECEIVED_AT_MS = tagOf(8, WireType.Varint);

/** With fewer, fewer visitors are looked up together; with more, V8 copies more of them before they are gone. */
const PART_EVENTS = 8000;

export class EventDecoder {
  readonly #texts = new Texts();
  #date = "none";
  #dateMs = Number.NaN;

  /**
   * The records of frames, in order, in parts of a size that does not depend on the frames': what is folded of a part is gone
   * before V8 takes it for something that lasts. Throws an UnreadableFrame when one has others than it can read.
   */
  *parts(frames: Iterable<Frame>): Iterable<LoggedRecords> {
    let part = emptyPart();
    for (const frame of frames) {
      for (const record of this.#records(frame)) {
        const isEvent = "eventType" in record;
        if (part.events.length === PART_EVENTS || (isEvent && part.settings.length > 0)) {
          yield part;
          part = emptyPart();
        }
        if (isEvent) part.events.push(record);
        else part.settings.push(record);
      }
    }
    if (part.events.length + part.settings.length > 0) yield part;
  }

  *#records(frame: Frame): Iterable<LoggedEvent | LoggedSetting> {
    const { firstOffset, count, payloadBytes } = frame.header;
    const payload = frame.bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes);
    const reader = new BinaryReader(payload);
    let found = 0;
    try {
      for (; reader.pos < reader.len; found += 1) {
        yield this.#readRecord(reader, payload, firstOffset + found);
      }
      if (found !== count) throw new Error(`it promises ${count} records and has ${found}`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new UnreadableFrame(`the frame at offset ${firstOffset}: ${reason}`, { cause: error });
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
      userId: "",
      timestamp: "",
      timeMs: 0,
      clientEventId: undefined,
      receivedAtMs: 0,
      more: undefined,
    };
    let details: DetailsBuilder | undefined;
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
          event.timeMs = this.#timeOf(event.timestamp);
          break;
        case CLIENT_EVENT_ID:
          event.clientEventId = readText(reader, payload, end);
          break;
        case SERVER_EVENT_ID:
          reader.pos = endOf(reader, end);
          break;
        case RECEIVED_AT_MS:
          event.receivedAtMs = readNumber(reader, payload, end);
          break;
        default:
          details ??= new DetailsBuilder(reader, () => this.#readKnown(reader, payload, end));
          details.read(tag >>> 3, tag & 7);
      }
    }
    event.more = details?.finish();
    return event;
  }

  /** Of a canonical timestamp. Those that follow each other are mostly of one day. */
  #timeOf(timestamp: string): number {
    if (!timestamp.startsWith(this.#date)) {
      this.#date = timestamp.slice(0, "YYYY-MM-DD".length);
      this.#dateMs = dayOfDate(this.#date) * MS_PER_DAY;
    }
    const minutes = digits(timestamp, 11, 2) * 60 + digits(timestamp, 14, 2);
    const fraction = timestamp[19] === "." ? digits(timestamp, 20, 3) : 0;
    return this.#dateMs + (minutes * 60 + digits(timestamp, 17, 2)) * 1000 + fraction;
  }

  /** A text that events have in common. */
  #readKnown(reader: BinaryReader, payload: Buffer, limit: number): string {
    const end = endOf(reader, limit);
    const text = this.#texts.read(payload, reader.pos, end);
    reader.pos = end;
    return text;
  }
}

function emptyPart(): { events: LoggedEvent[]; settings: LoggedSetting[] } {
  return { events: [], settings: [] };
}

/** A text that hardly two events have in common. */
function readText(reader: BinaryReader, payload: Buffer, limit: number): string {
  const end = endOf(reader, limit);
  const text = payload.toString("utf8", reader.pos, end);
  reader.pos = end;
  return text;
}

/** Reads a varint of up to 2^53 - 1, which protobuf's reader would make a BigInt of. */
function readNumber(reader: BinaryReader, payload: Buffer, limit: number): number {
  let number = 0;
  for (let factor = 1; reader.pos < limit; factor *= 0x80) {
    const byte = payload[reader.pos] ?? 0;
    reader.pos += 1;
    number += (byte & 0x7f) * factor;
    if (byte < 0x80) return number;
  }
  throw new RangeError("a number is longer than what it is in");
}

/** Reads a length; where what is behind it ends, which must not be behind `limit`. */
function endOf(reader: BinaryReader, limit: number): number {
  const end = reader.uint32() + reader.pos;
  if (end > limit) throw new RangeError("a field is longer than what it is in");
  return end;
}

/** The UTC day of a canonical timestamp, in days since 1970-01-01. */
export function dayOfDate(timestamp: string): number {
  return daysFromCivil(digits(timestamp, 0, 4), digits(timestamp, 5, 2), digits(timestamp, 8, 2));
}

/** The number that the `count` digits from `start` on are. */
function digits(text: string, start: number, count: number): number {
  let number = 0;
  for (let at = start; at < start + count; at += 1) number = number * 10 + text.charCodeAt(at) - 0x30;
  return number;
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}
