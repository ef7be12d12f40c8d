// The plain shapes in which single events come, as pure functions: which shape a request has, the event in its body, the
// body of the success answer. What has another shape, or is not right in any way, is not judged here: `undefined` leaves
// it to the full handlers of REST and Connect, which know how to refuse it. ingest-lane.test.ts holds both to the same
// answers.

import { isUtf8 } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { EventInput } from "../ingest/validate.ts";
import { ACCEPT_COMPRESSION } from "./connect-adapter.ts";
import { BACKSLASH, fieldNames, plainMessageOf, QUOTE } from "./plain-json.ts";
import { parseEventJson } from "./rest-event.ts";

/** The longest message of a single event, in bytes. */
export const MAX_EVENT_BYTES = 64 * 1024;
const ENVELOPE_BYTES = 5;

export interface Shape {
  /** The longest body, in bytes. */
  readonly maxBytes: number;
  /** The event in a body; undefined when it is not plainly one. */
  readonly event: (body: Buffer) => EventInput | undefined;
  /** An IngestEventRequest with the event in a body, which may be a wrong one; undefined when that takes more than bytes. */
  readonly message: (body: Buffer) => Buffer | undefined;
  /** The body of the success answer. */
  readonly answer: (eventId: string) => Buffer;
  readonly contentType: string;
  /** The answer has a Content-Length. */
  readonly hasLength: boolean;
  /** The answer ends with trailers, as gRPC has it: that needs HTTP/2. */
  readonly hasTrailers: boolean;
  /** The header that names how the client takes answers compressed, where one of ours has to say so. */
  readonly acceptEncoding?: "grpc-accept-encoding";
}

const RPC_PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.ingestEvent.name}`;
const MESSAGE = "Event received";

type TextField = Exclude<keyof EventInput, "screenWidth" | "props" | "revenue">;

const PLAIN_FIELDS = ["siteId", "eventType", "path", "userId", "timestamp", "eventId"] as const;
/** By their numbers in IngestEventRequest, from 1. */
const FIELD_NUMBERS: readonly (TextField | undefined)[] = [
  ...PLAIN_FIELDS,
  ...(["url", "referrer", "title", "hostname", "language"] as const),
  ...[undefined, undefined, undefined],
  ...(["userAgent", "clientAddress"] as const),
];

/** The names of a field in ProtoJSON: the one in the schema, and that in camel case. */
function namesOf(field: TextField): ReadonlySet<string> {
  return new Set([field.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`), field]);
}

export const PROTO_JSON_NAMES = fieldNames(PLAIN_FIELDS.map((field) => [...namesOf(field)]));
/** REST knows them by the first one alone. */
export const REST_NAMES = fieldNames(PLAIN_FIELDS.map((field) => [...namesOf(field)].slice(0, 1)));

const rest: Shape = {
  maxBytes: MAX_EVENT_BYTES,
  message: (body) => plainMessageOf(body, REST_NAMES),
  event: (body) => {
    const event = parseEventJson(body);
    return typeof event === "string" ? undefined : event;
  },
  answer: constantAnswer(JSON.stringify({ message: MESSAGE })),
  contentType: "application/json",
  hasLength: true,
  hasTrailers: false,
};

const connectJson: Shape = {
  maxBytes: MAX_EVENT_BYTES,
  message: (body) => plainMessageOf(body, PROTO_JSON_NAMES),
  event: eventOfJson,
  answer: (eventId) => Buffer.from(JSON.stringify({ message: MESSAGE, eventId })),
  contentType: "application/json",
  hasLength: true,
  hasTrailers: false,
};

const connectProto: Shape = {
  maxBytes: MAX_EVENT_BYTES,
  event: eventOfProto,
  message: (body) => body,
  answer: (eventId) => answerProto(eventId, 0),
  contentType: "application/proto",
  hasLength: true,
  hasTrailers: false,
};

/** The trailers of a success answer. */
export const GRPC_OK = { "grpc-status": "0" };
/** An envelope with the flag for trailers. */
const GRPC_WEB_TRAILER = Buffer.from("\x80\0\0\0\x10grpc-status: 0\r\n", "latin1");

const grpc: Shape = {
  maxBytes: ENVELOPE_BYTES + MAX_EVENT_BYTES,
  event: eventOfEnvelope,
  message: messageOfEnvelope,
  answer: answerEnvelope,
  contentType: "application/grpc+proto",
  hasLength: false,
  hasTrailers: true,
  acceptEncoding: "grpc-accept-encoding",
};

const grpcWeb: Shape = {
  maxBytes: ENVELOPE_BYTES + MAX_EVENT_BYTES,
  event: eventOfEnvelope,
  message: messageOfEnvelope,
  answer: (eventId) => Buffer.concat([answerEnvelope(eventId), GRPC_WEB_TRAILER]),
  contentType: "application/grpc-web+proto",
  hasLength: false,
  hasTrailers: false,
  acceptEncoding: "grpc-accept-encoding",
};

const BY_CONTENT_TYPE: ReadonlyMap<string | undefined, Shape> = new Map([
  ["application/json", connectJson],
  ["application/json; charset=utf-8", connectJson],
  ["application/proto", connectProto],
  ["application/grpc", grpc],
  ["application/grpc+proto", grpc],
  ["application/grpc-web", grpcWeb],
  ["application/grpc-web+proto", grpcWeb],
]);

/** The shape of a request; undefined when it is not a plain one for an event, or says that it is too long. */
export function shapeOf(
  method: string | undefined,
  path: string | undefined,
  headers: IncomingHttpHeaders,
): Shape | undefined {
  const shape = method === "POST" ? plainShapeOf(path, headers) : undefined;
  const length = headers["content-length"];
  return shape && length !== undefined && Number(length) > shape.maxBytes ? undefined : shape;
}

function plainShapeOf(path: string | undefined, headers: IncomingHttpHeaders): Shape | undefined {
  if (headers["content-encoding"] !== undefined || headers.expect !== undefined) return undefined;
  if (path === "/event") return rest;
  if (path !== RPC_PATH) return undefined;
  const isPlain =
    headers["grpc-encoding"] === undefined &&
    isGenerous(headers["connect-timeout-ms"], parseConnectTimeout) &&
    isGenerous(headers["grpc-timeout"], parseGrpcTimeout);
  return isPlain ? BY_CONTENT_TYPE.get(headers["content-type"]) : undefined;
}

/**
 * Whether a client has no deadline, or one so far away that it can be left to the client, which keeps it in any case: an
 * answer that comes later finds nobody. It is still the true one, as the event is stored.
 */
function isGenerous(timeout: string | string[] | undefined, parse: typeof parseGrpcTimeout): boolean {
  if (timeout === undefined) return true;
  if (typeof timeout !== "string") return false;
  const { timeoutMs = 0 } = parse(timeout, Number.POSITIVE_INFINITY);
  return timeoutMs >= MIN_GENEROUS_MS;
}

/** Far longer than a commit takes, in ms; deadlines that may come before it are for the full handlers. */
const MIN_GENEROUS_MS = 1000;

/** What an answer must name as its compression: none of ours is long enough to be compressed, but a stream might be. */
export function answerEncoding(shape: Shape, headers: IncomingHttpHeaders): string | undefined {
  if (shape.acceptEncoding === undefined) return undefined;
  const accepted = headers[shape.acceptEncoding];
  if (typeof accepted !== "string") return undefined;
  return compressionNegotiate([...ACCEPT_COMPRESSION], null, accepted, shape.acceptEncoding).response?.name;
}

function constantAnswer(text: string): Shape["answer"] {
  const bytes = Buffer.from(text);
  return () => bytes;
}

/** ProtoJSON with nothing but texts in it: fields by either of their names, no name twice, unknown ones ignored. */
function eventOfJson(body: Buffer): EventInput | undefined {
  if (!isUtf8(body)) return undefined;
  const text = body.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const event = emptyEvent();
  let named = 0;
  const members = Object.entries(json);
  let shortest = 1;
  for (const [name, value] of members) {
    if (typeof value !== "string") return undefined;
    shortest += name.length + value.length + MEMBER_LENGTH;
    const field = FIELDS.get(name);
    if (field === undefined) {
      // Fields of other types, which have their own ways to be a text; an extension, or a message in an Any.
      if (OTHER_FIELDS.has(name) || name.startsWith("[") || name.startsWith("@")) return undefined;
      continue;
    }
    if ((named & field.bit) !== 0) return undefined;
    named |= field.bit;
    event[field.name] = value;
  }
  // The parser takes a name twice, and ProtoJSON does not: then there are more texts than members have. Not, when the
  // whole is as short as its members can be written.
  if (text.length !== shortest && countTexts(body) !== 2 * members.length) return undefined;
  return event;
}

/** How many texts there are in valid JSON, names included. */
function countTexts(json: Buffer): number {
  let quotes = 0;
  for (let at = 0; at < json.length; at += 1) {
    if (json[at] === QUOTE) quotes += 1;
    else if (json[at] === BACKSLASH) at += 1;
  }
  return quotes / 2;
}

/** What is around a name and a text that need no escapes: four quotes, a colon, and a comma or the brace at the end. */
const MEMBER_LENGTH = 6;

type TextEvent = Record<(typeof PLAIN_FIELDS)[number], string> & {
  [field in TextField]?: string;
};

function emptyEvent(): TextEvent {
  return { siteId: "", eventType: "", path: "", userId: "", timestamp: "", eventId: "" };
}

const OTHER_FIELDS: ReadonlySet<string> = new Set(["screenWidth", "screen_width", "props", "revenue"]);
/** By both of their names in JSON. */
const FIELDS: ReadonlyMap<string, { readonly name: TextField; readonly bit: number }> = new Map(
  FIELD_NUMBERS.flatMap((name, index) => {
    if (name === undefined) return [];
    const field = { name, bit: 1 << index };
    return [...namesOf(name)].map((each) => [each, field] as const);
  }),
);

/** The event of an IngestEventRequest. */
function eventOfProto(message: Buffer): EventInput | undefined {
  const event = emptyEvent();
  const reader = new BinaryReader(message);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = FIELD_NUMBERS[(tag >>> 3) - 1];
      if (field === undefined || (tag & 7) !== WireType.LengthDelimited) return undefined;
      event[field] = reader.string(true);
    }
  } catch {
    return undefined;
  }
  return reader.pos === reader.len ? event : undefined;
}

function eventOfEnvelope(body: Buffer): EventInput | undefined {
  const message = messageOfEnvelope(body);
  return message && eventOfProto(message);
}

/** The one uncompressed message of a unary gRPC call. */
function messageOfEnvelope(body: Buffer): Buffer | undefined {
  const isOne =
    body.length >= ENVELOPE_BYTES && body[0] === 0 && body.readUInt32BE(1) === body.length - ENVELOPE_BYTES;
  return isOne ? body.subarray(ENVELOPE_BYTES) : undefined;
}

function answerEnvelope(eventId: string): Buffer {
  const bytes = answerProto(eventId, ENVELOPE_BYTES);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(bytes.length - ENVELOPE_BYTES, 1);
  return bytes;
}

/** An IngestEventResponse behind `offset` bytes of room. */
function answerProto(eventId: string, offset: number): Buffer {
  const id = Buffer.byteLength(eventId);
  // An id has at most 128 bytes, so that its length may take two.
  const lengthBytes = id < 0x80 ? 1 : 2;
  const bytes = Buffer.allocUnsafe(offset + ANSWER_START.length + lengthBytes + id);
  let at = offset + ANSWER_START.copy(bytes, offset);
  if (lengthBytes === 2) bytes[at++] = (id & 0x7f) | 0x80;
  bytes[at++] = lengthBytes === 2 ? id >>> 7 : id;
  bytes.write(eventId, at);
  return bytes;
}

/** The field `message`, and the tag of `event_id`. */
const ANSWER_START = Buffer.concat([
  Buffer.from([(1 << 3) | WireType.LengthDelimited, MESSAGE.length]),
  Buffer.from(MESSAGE),
  Buffer.from([(2 << 3) | WireType.LengthDelimited]),
]);
