// Calls of every RPC, by every protocol, with any message: right, changed, cut off, compressed or said to be.

import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import {
  type DescMethod,
  fromBinary,
  fromJsonString,
  isMessage,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  AnalyticsService,
  IngestEventResponseSchema,
  IngestEventStreamResponseSchema,
  IngestEventsResponseSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ServerReflection } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/ts/health/v1/health_pb.ts";
import { nestedFilterBytes, nestedFilterJson } from "../query/deep-filters.ts";
import { messageOf } from "./messages.ts";
import type { Random } from "./random.ts";
import { rightOf } from "./right.ts";

const METHODS: readonly DescMethod[] = [
  AnalyticsService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
].flatMap((service) => service.methods);
const PROTOCOLS = ["connect-proto", "connect-json", "grpc", "grpc-web", "connect-get"] as const;
type Protocol = (typeof PROTOCOLS)[number];
/** Watching health never ends by itself: what has not been answered by then is cancelled, in ms. */
const CALL_MS = 150;
const MESSAGES_OF_A_METHOD = 30;
/** The numbers of the fields "filter". */
const FILTER_FIELDS: ReadonlyMap<DescMethod, number> = new Map<DescMethod, number>([
  [AnalyticsService.method.queryStats, 4],
  [AnalyticsService.method.setGoal, 3],
]);
/** The RPCs whose success says that something is on disk. */
const STORES = /^(Ingest|Set|Delete)/;
const END_OF_STREAM = { connect: 0x02, grpcWeb: 0x80 } as const;

/** What the server says that it has stored. */
export interface Acknowledged {
  readonly ids: Set<string>;
  /** Events of batches and streams, whose answers count only, and what was said about sites. */
  count: number;
}

interface Call {
  readonly method: DescMethod;
  readonly protocol: Protocol;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly grpcStatus: string;
  readonly body: Buffer;
}

/** Messages for each method, the same for the same seed. */
export function sampleMessages(seed: number): ReadonlyMap<DescMethod, readonly Message[]> {
  return new Map(
    METHODS.map((method) => [method, fc.sample(inputOf(method), { seed, numRuns: MESSAGES_OF_A_METHOD })]),
  );
}

/** What a method is called with: half of it is right, where we know what is. */
function inputOf({ input }: DescMethod): fc.Arbitrary<Message> {
  const right = rightOf(input);
  return right ? fc.oneof(messageOf(input), right) : messageOf(input);
}

/** Makes a few calls on one connection, at once, and notes what was acknowledged. */
export async function callSome(
  url: string,
  messages: ReadonlyMap<DescMethod, readonly Message[]>,
  random: Random,
  acknowledged: Acknowledged,
): Promise<void> {
  const session = connectHttp2(url);
  session.on("error", () => {});
  // From the beginning: a session that the server ends may be closed when the last call is.
  const closed = new Promise((resolve) => session.once("close", resolve));
  const calls = Array.from({ length: 1 + random.below(4) }, () => makeCall(messages, random));
  await Promise.all(
    calls.map(async (call) => {
      const answer = await send(session, call, random.chance(0.05));
      if (answer) note(call, answer, acknowledged);
    }),
  );
  session.destroy();
  await closed;
}

function makeCall(messages: ReadonlyMap<DescMethod, readonly Message[]>, random: Random): Call {
  const method = METHODS[random.below(METHODS.length)] ?? AnalyticsService.method.ingestEvent;
  const protocol = random.pick(PROTOCOLS);
  const isEnveloped = protocol.startsWith("grpc") || method.methodKind !== "unary";
  const choices = messages.get(method) ?? [];
  const bodies = Array.from({ length: isEnveloped ? random.below(4) : 1 }, () => {
    const message = choices[random.below(choices.length)];
    const filterField = FILTER_FIELDS.get(method);
    const isDeep = filterField !== undefined && random.chance(0.1);
    const bytes = isDeep
      ? deepFilter(filterField, protocol, random)
      : message
        ? encode(method, message, protocol)
        : Buffer.alloc(0);
    return random.chance(0.3) ? random.mutated(bytes) : bytes;
  });
  const compression = random.pick(["", "", "", "gzip", "br", "identity", "bogus"]);
  const pack = (body: Buffer) => (compression === "gzip" && random.chance(0.8) ? gzipSync(body) : body);
  let body = isEnveloped
    ? Buffer.concat(bodies.map((part) => envelope(pack(part), compression, random)))
    : pack(bodies[0] ?? Buffer.alloc(0));
  if (random.chance(0.1)) body = body.subarray(0, random.below(body.length + 1));
  const headers = headersOf(protocol, isEnveloped, compression, random);
  const path = `/${method.parent.typeName}/${method.name}`;
  if (protocol !== "connect-get") return { method, protocol, path, headers, body };
  const encoding = random.pick(["json", "proto", "none"]);
  const query = `connect=v1&encoding=${encoding}&base64=1&message=${body.toString("base64url").slice(0, 8000)}`;
  return { method, protocol, path: `${path}?${query}`, headers: {}, body: Buffer.alloc(0) };
}

function encode(method: DescMethod, message: Message, protocol: Protocol): Buffer {
  return protocol === "connect-json"
    ? Buffer.from(toJsonString(method.input, message))
    : Buffer.from(toBinary(method.input, message));
}

/** A request with a filter that is nested deeper than it may be, or far deeper. */
function deepFilter(filterField: number, protocol: Protocol, random: Random): Buffer {
  const depth = random.pick([11, 99, 101, 10_000, 100_000]);
  if (protocol === "connect-json")
    return Buffer.from(`{"siteId":"fuzz","filter":${nestedFilterJson(depth)}}`);
  return Buffer.from(nestedFilterBytes(depth, filterField, { 1: "fuzz", 2: "visits" }));
}

/** The bytes of a message in a stream, with a length and flags that are right for the most part. */
function envelope(bytes: Buffer, compression: string, random: Random): Buffer {
  const head = Buffer.alloc(5);
  const flags = compression === "" ? 0 : 1;
  head.writeUInt8(random.chance(0.1) ? random.below(256) : flags, 0);
  head.writeUInt32BE(
    random.chance(0.1) ? random.below(random.pick([10, 100_000, 2 ** 32])) : bytes.length,
    1,
  );
  return Buffer.concat([head, bytes]);
}

function headersOf(
  protocol: Protocol,
  isEnveloped: boolean,
  compression: string,
  random: Random,
): Record<string, string> {
  const isGrpc = protocol.startsWith("grpc");
  const kind = protocol === "connect-json" ? "json" : "proto";
  const right = isGrpc
    ? `application/${protocol}+proto`
    : `application/${isEnveloped ? "connect+" : ""}${kind}`;
  const headers: Record<string, string> = {
    "content-type": random.chance(0.05)
      ? random.pick(["application/grpc", "text/plain", "application/json"])
      : right,
  };
  if (protocol === "grpc") headers.te = "trailers";
  const prefix = isGrpc ? "grpc-" : isEnveloped ? "connect-content-" : "content-";
  if (compression !== "") headers[`${prefix}encoding`] = compression;
  if (random.chance(0.1)) headers["accept-encoding"] = random.pick(["gzip", "br", "bogus", ""]);
  if (random.chance(0.1))
    headers["grpc-timeout"] = random.pick(["1H", "1n", "100m", "-1S", "99999999999S", "x"]);
  if (random.chance(0.1))
    headers["connect-timeout-ms"] = random.pick(["0", "1", "50", "-1", "99999999999", "x"]);
  if (random.chance(0.5)) headers["connect-protocol-version"] = random.pick(["1", "1", "2"]);
  return headers;
}

/** The answer; undefined when there was none, or when the call was cancelled. */
function send(session: ClientHttp2Session, call: Call, isCancelled: boolean): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const method = call.protocol === "connect-get" ? "GET" : "POST";
    const stream = session.request({ ":method": method, ":path": call.path, ...call.headers });
    const chunks: Buffer[] = [];
    let [status, type] = [0, ""];
    let grpcStatus = "";
    const seeStatus = (headers: Record<string, unknown>) => {
      if (typeof headers["grpc-status"] === "string") grpcStatus = headers["grpc-status"];
    };
    const cancel = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), isCancelled ? 1 : CALL_MS);
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
      // What is compressed is not looked into.
      type = headers["content-encoding"] === undefined ? (headers["content-type"] ?? "") : "";
      seeStatus(headers);
    });
    stream.on("trailers", seeStatus);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () => {
      clearTimeout(cancel);
      resolve(status === 0 ? undefined : { status, type, grpcStatus, body: Buffer.concat(chunks) });
    });
    stream.end(call.body);
  });
}

function note(call: Call, answer: Answer, acknowledged: Acknowledged): void {
  const message = successOf(call, answer);
  if (!message) return;
  if (isMessage(message, IngestEventResponseSchema)) acknowledged.ids.add(message.eventId);
  if (isMessage(message, IngestEventsResponseSchema) || isMessage(message, IngestEventStreamResponseSchema)) {
    acknowledged.count += Number(message.acceptedCount);
  }
  if (!call.method.name.startsWith("Ingest")) acknowledged.count += 1;
}

/** The message of a success answer of an RPC that stores, which is of the protocol that its content type says. */
function successOf({ method }: Call, { status, type, grpcStatus, body }: Answer): Message | undefined {
  if (!STORES.test(method.name) || status !== 200) return undefined;
  const isJson = type.endsWith("json");
  if (type === "application/json" || type === "application/proto") return decode(method, isJson, body);
  const envelopes = [...envelopesOf(body)];
  const message = envelopes.find(({ flags }) => flags === 0);
  const end = envelopes.find(
    ({ flags }) => flags === END_OF_STREAM.connect || flags === END_OF_STREAM.grpcWeb,
  );
  const isSuccess =
    grpcStatus === "0" ||
    (end?.flags === END_OF_STREAM.connect && !end.bytes.includes('"error"')) ||
    (end?.flags === END_OF_STREAM.grpcWeb && /grpc-status: *0/i.test(end.bytes.toString()));
  return isSuccess && message ? decode(method, isJson, message.bytes) : undefined;
}

function decode(method: DescMethod, isJson: boolean, bytes: Buffer): Message {
  return isJson ? fromJsonString(method.output, bytes.toString()) : fromBinary(method.output, bytes);
}

function* envelopesOf(body: Buffer): Generator<{ flags: number; bytes: Buffer }> {
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    yield { flags: body.readUInt8(at), bytes: body.subarray(at + 5, end) };
    at = end;
  }
}
