// Events as ingestion of plain ones takes them: an IngestEventRequest as bytes, with its length before it.

import { create, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import { type IngestEventRequest, IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";

export type EventFields = MessageInitShape<typeof IngestEventRequestSchema>;

export function encodeEvent(fields: EventFields): Uint8Array {
  return sizeDelimitedEncode(IngestEventRequestSchema, create(IngestEventRequestSchema, fields));
}

/** Undefined when the bytes cannot be decoded. */
export function decodeEvent(bytes: Uint8Array): IngestEventRequest | undefined {
  try {
    return fromBinary(IngestEventRequestSchema, new BinaryReader(bytes).bytes());
  } catch {
    return undefined;
  }
}

/** A message with its length before it, as a varint. */
export function withLength(message: Uint8Array): Uint8Array {
  return new BinaryWriter().bytes(message).finish();
}
