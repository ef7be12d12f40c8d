// The plain shapes in which events come, as pure functions: which shape a request has, the message in its body, the body
// of the success answer. What has another shape, or is not right in any way, is not judged here: `undefined` leaves
// it to the full handlers of REST and Connect, which know how to refuse it. ingest-lane.test.ts holds both to the same
// answers.

import type { IncomingHttpHeaders } from "node:http";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { compressionNegotiate } from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { countEvents } from "../ingest/plain-batch.ts";
import type { EventInput } from "../ingest/validate.ts";
import { ACCEPT_COMPRESSION } from "./connect-adapter.ts";
import { ENVELOPE_BYTES, envelopeOf, GRPC_WEB_OK, messageOfEnvelope } from "./envelope.ts";
import { eventOfJson, eventOfProto, PROTO_JSON_NAMES, REST_NAMES } from "./event-bodies.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES } from "./message-size.ts";
import { plainMessageOf } from "./plain-json.ts";
import { parseEventJson } from "./rest-event.ts";

export type Shape = EventShape | BatchShape;

/** Of requests for a single event. */
export interface EventShape extends Wrapping {
  readonly of: "event";
  /** An IngestEventRequest with the event in a body, which may be a wrong one; undefined when that takes more than bytes. */
  readonly message: (body: Buffer) => Buffer | undefined;
  /** The event in a body; undefined when it is not plainly one. */
  readonly event: (body: Buffer) => EventInput | undefined;
  /** The body of the success answer, as a text with a character for each byte. */
  readonly answer: (eventId: string) => string;
}

/** Of requests for many events. */
interface BatchShape extends Wrapping {
  readonly of: "batch";
  /** The IngestEventsRequest in a body, with nothing but events in it, which may be wrong ones. */
  readonly message: (body: Buffer) => Buffer | undefined;
  /** The body of the answer that all were accepted, as many as these; as a text with a character for each byte. */
  readonly answer: (accepted: number) => string;
}

/** How bodies come and answers go. */
interface Wrapping {
  /** The longest body, in bytes. */
  readonly maxBytes: number;
  readonly contentType: string;
  /** The answer has a Content-Length. */
  readonly hasLength: boolean;
  /** The answer ends with trailers, as gRPC has it: that needs HTTP/2. */
  readonly hasTrailers: boolean;
  /** The header that names how the client takes answers compressed, where one of ours has to say so. */
  readonly acceptEncoding?: "grpc-accept-encoding";
}

const EVENT_PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.ingestEvent.name}`;
const BATCH_PATH = `/${AnalyticsService.typeName}/${AnalyticsService.method.ingestEvents.name}`;
const MESSAGE = "Event received";

const rest: EventShape = {
  of: "event",
  maxBytes: MAX_EVENT_BYTES,
  message: (body) => plainMessageOf(body, REST_NAMES),
  event: (body) => {
    const event = parseEventJson(body);
    return typeof event === "string" ? undefined : event;
  },
  answer: () => `{"message":"${MESSAGE}"}`,
  contentType: "application/json",
  hasLength: true,
  hasTrailers: false,
};

const connectJson: EventShape = {
  of: "event",
  maxBytes: MAX_EVENT_BYTES,
  message: (body) => plainMessageOf(body, PROTO_JSON_NAMES),
  event: eventOfJson,
  answer: (eventId) => `{"message":"${MESSAGE}","eventId":${bytesText(JSON.stringify(eventId))}}`,
  contentType: "application/json",
  hasLength: true,
  hasTrailers: false,
};

const connectProto: EventShape = {
  of: "event",
  maxBytes: MAX_EVENT_BYTES,
  event: eventOfProto,
  message: (body) => body,
  answer: answerProto,
  contentType: "application/proto",
  hasLength: true,
  hasTrailers: false,
};

const grpc: EventShape = {
  of: "event",
  maxBytes: ENVELOPE_BYTES + MAX_EVENT_BYTES,
  event: eventOfEnvelope,
  message: messageOfEnvelope,
  answer: (eventId) => envelopeOf(answerProto(eventId)),
  contentType: "application/grpc+proto",
  hasLength: false,
  hasTrailers: true,
  acceptEncoding: "grpc-accept-encoding",
};

const grpcWeb: EventShape = {
  of: "event",
  maxBytes: ENVELOPE_BYTES + MAX_EVENT_BYTES,
  event: eventOfEnvelope,
  message: messageOfEnvelope,
  answer: (eventId) => envelopeOf(answerProto(eventId)) + GRPC_WEB_OK,
  contentType: "application/grpc-web+proto",
  hasLength: false,
  hasTrailers: false,
  acceptEncoding: "grpc-accept-encoding",
};

const batchProto: BatchShape = {
  of: "batch",
  maxBytes: MAX_BATCH_BYTES,
  message: plainBatch,
  answer: answerBatch,
  contentType: "application/proto",
  hasLength: true,
  hasTrailers: false,
};

const batchGrpc: BatchShape = {
  of: "batch",
  maxBytes: ENVELOPE_BYTES + MAX_BATCH_BYTES,
  message: (body) => plainBatch(messageOfEnvelope(body)),
  answer: (accepted) => envelopeOf(answerBatch(accepted)),
  contentType: "application/grpc+proto",
  hasLength: false,
  hasTrailers: true,
  acceptEncoding: "grpc-accept-encoding",
};

/** By the content type of the request. */
const EVENTS: ReadonlyMap<string | undefined, Shape> = new Map([
  ["application/json", connectJson],
  ["application/json; charset=utf-8", connectJson],
  ["application/proto", connectProto],
  ["application/grpc", grpc],
  ["application/grpc+proto", grpc],
  ["application/grpc-web", grpcWeb],
  ["application/grpc-web+proto", grpcWeb],
]);
const BATCHES: ReadonlyMap<string | undefined, Shape> = new Map([
  ["application/proto", batchProto],
  ["application/grpc", batchGrpc],
  ["application/grpc+proto", batchGrpc],
]);

const BY_PATH = new Map([
  [EVENT_PATH, EVENTS],
  [BATCH_PATH, BATCHES],
]);

/** The shape of a POST request; undefined when it is not a plain one for events, or says that it is too long. */
export function shapeOf(path: string, headers: IncomingHttpHeaders): Shape | undefined {
  const shape = plainShapeOf(path, headers);
  const length = headers["content-length"];
  return shape && length !== undefined && Number(length) > shape.maxBytes ? undefined : shape;
}

function plainShapeOf(path: string, headers: IncomingHttpHeaders): Shape | undefined {
  if (headers["content-encoding"] !== undefined || headers.expect !== undefined) return undefined;
  if (path === "/event") return rest;
  const shapes = BY_PATH.get(path);
  const isPlain =
    headers["grpc-encoding"] === undefined &&
    isGenerous(headers["connect-timeout-ms"], parseConnectTimeout) &&
    isGenerous(headers["grpc-timeout"], parseGrpcTimeout);
  return isPlain ? shapes?.get(headers["content-type"]) : undefined;
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

function eventOfEnvelope(body: Buffer): EventInput | undefined {
  const message = messageOfEnvelope(body);
  return message && eventOfProto(message);
}

/** An IngestEventResponse. */
function answerProto(eventId: string): string {
  const id = bytesText(eventId);
  // An id has at most 128 bytes, so that its length may take two.
  const length =
    id.length < 0x80
      ? String.fromCharCode(id.length)
      : String.fromCharCode((id.length & 0x7f) | 0x80, id.length >>> 7);
  return ANSWER_START + length + id;
}

/** The field `message`, and the tag of `event_id`. */
const ANSWER_START = `\x0a${String.fromCharCode(MESSAGE.length)}${MESSAGE}\x12`;

/** A text's bytes in UTF-8, as a text with a character for each byte. */
function bytesText(text: string): string {
  return ASCII.test(text) ? text : Buffer.from(text).toString("latin1");
}

const ASCII = /^[ -~]*$/;

/** A message with nothing but events in it, some and not too many. */
function plainBatch(message: Buffer | undefined): Buffer | undefined {
  const count = message && countEvents(message);
  return count && count <= MAX_BATCH_EVENTS ? message : undefined;
}

/** An IngestEventsResponse. */
function answerBatch(accepted: number): string {
  const message = new BinaryWriter().tag(1, WireType.Varint).int64(accepted).finish();
  return String.fromCharCode(...message);
}
