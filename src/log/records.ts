// Records as bytes: a LogRecord with its length before it, as a varint (protobuf's delimited format).

import { create, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import { stringify } from "uuid";
import {
  type LogRecord,
  LogRecordSchema,
  type RecordedEvent,
  RecordedEventSchema,
} from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { FRAME_HEADER_BYTES } from "./format.ts";
import type { Frame } from "./frame-reader.ts";

export type { RecordedEvent };

/** The record of `event`, with its length before it. */
export function encodeEventRecord(event: Omit<RecordedEvent, "$typeName">): Uint8Array {
  const value = create(RecordedEventSchema, event);
  return sizeDelimitedEncode(LogRecordSchema, create(LogRecordSchema, { record: { case: "event", value } }));
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
