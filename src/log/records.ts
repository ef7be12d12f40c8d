// Records as bytes: a LogRecord with its length before it, as a varint (protobuf's delimited format).

import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { stringify } from "uuid";
import {
  type LogRecord,
  LogRecordSchema,
  type RecordedEvent,
} from "../../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordGroup } from "./event-log.ts";
import { FRAME_HEADER_BYTES } from "./format.ts";
import type { Frame } from "./frame-reader.ts";

export type { RecordedEvent };

/** An event to be recorded. */
export type NewEvent = Omit<RecordedEvent, "$typeName">;

/** Makes records of events. It keeps its buffer, so one encoder is to be used again and again. */
export class RecordEncoder {
  readonly #writer = new BinaryWriter();

  /** The records of `events`, in order: byte for byte what protobuf's own encoder writes, at a tenth of its cost. */
  encode(events: readonly NewEvent[]): RecordGroup {
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

function writeEvent(writer: BinaryWriter, event: NewEvent): void {
  writeText(writer, 1, event.siteId);
  writeText(writer, 2, event.eventType);
  writeText(writer, 3, event.path);
  writeText(writer, 4, event.userId);
  writeText(writer, 5, event.timestamp);
  if (event.id.case === "clientEventId") writer.tag(6, WireType.LengthDelimited).string(event.id.value);
  if (event.id.case === "serverEventId") writer.tag(7, WireType.LengthDelimited).bytes(event.id.value);
  if (event.receivedAtMs !== 0n) writer.tag(8, WireType.Varint).int64(event.receivedAtMs);
}

function writeText(writer: BinaryWriter, field: number, text: string): void {
  if (text !== "") writer.tag(field, WireType.LengthDelimited).string(text);
}

/** The records of a frame, in order. Throws when the payload is not exactly that many records. */
export function decodeRecords(frame: Frame): LogRecord[] {
  const payload = frame.bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + frame.header.payloadBytes);
  const reader = new BinaryReader(payload);
  const records: LogRecord[] = [];
  while (reader.pos < reader.len) records.push(fromBinary(LogRecordSchema, reader.bytes()));
  if (records.length !== frame.header.count) {
    throw new Error(`a frame promises ${frame.header.count} records and has ${records.length}`);
  }
  return records;
}

/** The event's id as text: the sender's, or the server's UUID. */
export function eventIdOf(event: RecordedEvent): string {
  return event.id.case === "serverEventId" ? stringify(event.id.value) : (event.id.value ?? "");
}
