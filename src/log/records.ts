// Records as bytes: a LogRecord with its length before it, as a varint (protobuf's delimited format).
//
// Events are written with protobuf's own writer, but field by field: going by the schema costs several times as much, and
// this is done for every event. records.test.ts holds it to the schema. They are read by the schema, but for the fold,
// which has a decoder of its own (src/projector/event-decoder.ts).

import { create, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, sizeDelimitedEncode, WireType } from "@bufbuild/protobuf/wire";
import { stringify } from "uuid";
import {
  LogRecordSchema,
  type RecordedEvent as RecordedEventMessage,
  type RecordedGoal,
  type RecordedSite,
} from "../../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordGroup } from "./event-log.ts";
import { FRAME_HEADER_BYTES } from "./format.ts";
import type { Frame } from "./frame-reader.ts";

/** What every event has, be it empty. */
type Core = "siteId" | "eventType" | "path" | "userId" | "timestamp" | "id" | "receivedAtMs";

/** Where a field that came later is not there, it is as if it was empty. */
export type RecordedEvent = Pick<RecordedEventMessage, Core> &
  Partial<Omit<RecordedEventMessage, Core | "$typeName" | "$unknown">>;

export interface LogRecord {
  /** Without a case it is of a kind that this version does not know. */
  readonly record:
    | { readonly case: "event"; readonly value: RecordedEvent }
    | { readonly case: "site"; readonly value: RecordedSite }
    | { readonly case: "goal"; readonly value: RecordedGoal }
    | { readonly case: undefined; readonly value?: undefined };
}

/** Makes records of events. It keeps its buffer, so one encoder is to be used again and again. */
export class RecordEncoder {
  readonly #writer = new BinaryWriter();

  /** The records of `events`, in order: byte for byte what protobuf's own encoder writes, at a fraction of its cost. */
  encode(events: readonly RecordedEvent[]): RecordGroup {
    const writer = this.#writer;
    for (const event of events) {
      // The record's length, the field "event" of LogRecord, and its length: fork() leaves room, join() writes them.
      writer.fork().tag(1, WireType.LengthDelimited).fork();
      writeEvent(writer, event);
      writer.join().join();
    }
    return { bytes: writer.finish(), count: events.length };
  }
}

/** The record of a site or of a goal, by the schema: there are few of them. */
export function encodeSetting(record: RecordedSite | RecordedGoal): RecordGroup {
  const message =
    record.$typeName === "analytics.v1.RecordedSite"
      ? create(LogRecordSchema, { record: { case: "site", value: record } })
      : create(LogRecordSchema, { record: { case: "goal", value: record } });
  return { bytes: sizeDelimitedEncode(LogRecordSchema, message), count: 1 };
}

function writeEvent(writer: BinaryWriter, event: RecordedEvent): void {
  writeText(writer, 1, event.siteId);
  writeText(writer, 2, event.eventType);
  writeText(writer, 3, event.path);
  writeText(writer, 4, event.userId);
  writeText(writer, 5, event.timestamp);
  if (event.id.case === "clientEventId") writer.tag(6, WireType.LengthDelimited).string(event.id.value);
  if (event.id.case === "serverEventId") writer.tag(7, WireType.LengthDelimited).bytes(event.id.value);
  if (event.receivedAtMs !== 0n) writer.tag(8, WireType.Varint).int64(event.receivedAtMs);
  writeText(writer, 9, event.hostname);
  writeText(writer, 10, event.title);
  writeText(writer, 11, event.language);
  if (event.screenWidth) writer.tag(12, WireType.Varint).uint32(event.screenWidth);
  for (const [key, value] of Object.entries(event.props ?? {})) {
    writer.tag(13, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(key).tag(2, WireType.LengthDelimited).string(value);
    writer.join();
  }
  if (event.revenueMicros) writer.tag(14, WireType.Varint).sint64(event.revenueMicros);
  writeText(writer, 15, event.currency);
  writeText(writer, 16, event.referrer);
  writeText(writer, 17, event.source);
  writeText(writer, 18, event.channel);
  writeText(writer, 19, event.utmSource);
  writeText(writer, 20, event.utmMedium);
  writeText(writer, 21, event.utmCampaign);
  writeText(writer, 22, event.utmTerm);
  writeText(writer, 23, event.utmContent);
  writeSenderFields(writer, event);
}

/** What a record ends with: what was found by the address and the user agent of whoever did it. */
export type SenderFields = Pick<
  RecordedEvent,
  "browser" | "os" | "device" | "country" | "region" | "bot" | "visitor"
>;

/** Writes the last fields of a record. They depend on no other, so that they can be written behind any record. */
export function writeSenderFields(writer: BinaryWriter, fields: SenderFields): void {
  writeText(writer, 24, fields.browser);
  writeText(writer, 25, fields.os);
  writeText(writer, 26, fields.device);
  writeText(writer, 27, fields.country);
  writeText(writer, 28, fields.region);
  if (fields.bot) writer.tag(29, WireType.Varint).int32(fields.bot);
  if (fields.visitor?.length) writer.tag(30, WireType.LengthDelimited).bytes(fields.visitor);
}

function writeText(writer: BinaryWriter, field: number, text: string | undefined): void {
  if (text) writer.tag(field, WireType.LengthDelimited).string(text);
}

/** The records of a frame, in order. Throws when the payload is not exactly that many records. */
export function decodeRecords(frame: Frame): LogRecord[] {
  const { count, payloadBytes } = frame.header;
  const payload = frame.bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + payloadBytes);
  const records: LogRecord[] = [];
  let at = 0;
  while (at < payload.length) {
    const record = bytesOfMessage(payload, at);
    records.push(fromBinary(LogRecordSchema, record));
    at = record.byteOffset - payload.byteOffset + record.length;
  }
  if (records.length !== count) {
    throw new Error(`a frame promises ${count} records and has ${records.length}`);
  }
  return records;
}

/** The first record of a frame. */
export function firstRecord(frame: Frame): LogRecord {
  return fromBinary(LogRecordSchema, bytesOfMessage(frame.bytes, FRAME_HEADER_BYTES));
}

/** The message that has its length, a varint, before it at `start`. */
function bytesOfMessage(bytes: Uint8Array, start: number): Uint8Array {
  const reader = new BinaryReader(bytes.subarray(start));
  const length = reader.uint32();
  if (length > reader.len - reader.pos) throw new RangeError("a record is longer than its frame");
  return bytes.subarray(start + reader.pos, start + reader.pos + length);
}

/** When a record was received, in ms since 1970; undefined when it is of a kind that this version does not know. */
export function receivedAtMsOf({ record }: LogRecord): number | undefined {
  return record.value && Number(record.value.receivedAtMs);
}

/** The event's id as text: the sender's, or the server's UUID. */
export function eventIdOf(event: RecordedEvent): string {
  return event.id.case === "serverEventId" ? stringify(event.id.value) : (event.id.value ?? "");
}
