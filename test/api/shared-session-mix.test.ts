// Whatever streams a client has, however they go on side by side and however their bytes are cut: it sees, and there is
// stored, what there is with node:http2 alone. But for what comes with a client that resets a stream, where it depends on
// the moment.

import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { HeaderField } from "../../src/http2/hpack.ts";
import { http2Frame } from "../http2/bytes.ts";
import { Flag, numbers, ping, reset, settings, Type, windowUpdate } from "../http2/client-frames.ts";
import { HeaderEncoder } from "../http2/header-encoder.ts";
import { fieldsOf, getOf, headOf, REST, SHAPES } from "./event-shapes.ts";
import type { FakeIngest } from "./fakes.ts";
import { openReference } from "./node-reference.ts";
import { openTestPort } from "./port-fixture.ts";
import { RawSession } from "./raw-session.ts";

interface Request {
  readonly head: readonly HeaderField[];
  readonly body: Buffer;
  /** Its events are stored as they come. */
  readonly isStream?: boolean;
}

const RPC = "/analytics.v1.AnalyticsService/";
const shape = fc.constantFrom(...SHAPES);
const more = fc.constantFrom<Readonly<Record<string, string>>[]>(
  {},
  {},
  { te: "trailers", "user-agent": "Mozilla/5.0" },
  { "x-forwarded-for": "192.0.2.1", cookie: "a=b" },
  { "grpc-timeout": "10S", "grpc-accept-encoding": "gzip" },
  { "accept-encoding": "gzip", "x-\u0021": "\u00e9 x" },
);

/** Each with an event of its own, which an id tells from others. */
type MakeRequest = (eventId: string) => Request;

const good: fc.Arbitrary<MakeRequest> = fc
  .record({ shape, more, hasLength: fc.boolean() })
  .map(({ shape, more, hasLength }) => (eventId) => {
    const body = shape.body(eventId);
    return {
      head: headOf(shape, { ...more, ...(hasLength && { "content-length": String(body.length) }) }),
      body,
    };
  });

const LONG_PATH = `/${"p".repeat(1500)}`;
const TOO_LONG = Buffer.alloc(66_000, " ");
const bad: fc.Arbitrary<MakeRequest> = fc
  .record({
    shape,
    more,
    fault: fc.constantFrom("cut", "empty", "length", "long", "too long", "site", "coded", "type"),
  })
  .map(({ shape, more, fault }) => (eventId) => {
    const body = shape.body(eventId);
    const head = headOf(shape, more);
    switch (fault) {
      case "cut":
        return { head, body: body.subarray(0, -1) };
      case "empty":
        return { head, body: Buffer.of() };
      case "length":
        return { head: headOf(shape, { ...more, "content-length": String(body.length + 1) }), body };
      case "long":
        return { head, body: shape.body(eventId, LONG_PATH) };
      case "too long":
        return { head, body: Buffer.concat([body, TOO_LONG]) };
      case "site":
        return { head: headOf(REST), body: Buffer.from('{"event_type":"view"}') };
      case "coded":
        return { head: headOf(shape, { ...more, "content-encoding": "gzip" }), body };
      default:
        return { head: headOf({ ...shape, contentType: "text/plain" }, more), body };
    }
  });

const other: fc.Arbitrary<MakeRequest> = fc.constantFrom<MakeRequest[]>(
  () => ({ head: getOf("/health"), body: Buffer.of() }),
  () => ({ head: getOf("/nowhere"), body: Buffer.of() }),
  () => ({ head: getOf("/stats?site_id=s&date=2025-11-12"), body: Buffer.of() }),
  () => ({ head: getOf("/event"), body: Buffer.of() }),
  (eventId) => ({ head: headOf({ ...REST, path: "/event?a=b" }), body: REST.body(eventId) }),
  // A stream with one event in it.
  (eventId) => ({
    head: headOf({ path: `${RPC}IngestEventStream`, contentType: "application/grpc" }),
    body: streamBody(eventId),
    isStream: true,
  }),
  (eventId) => ({
    head: headOf({ path: `${RPC}IngestEvents`, contentType: "application/json" }),
    body: Buffer.from(JSON.stringify({ events: [JSON.parse(String(SHAPES[1]?.body(eventId)))] })),
  }),
);

/** IngestEventStreamRequest has the event as its first field. */
function streamBody(eventId: string): Buffer {
  const event = SHAPES[2]?.body(eventId) ?? Buffer.of();
  const message = Buffer.concat([Buffer.of(0x0a, event.length), event]);
  return Buffer.concat([Buffer.of(0), numbers(message.length), message]);
}

/** How a request is sent. */
interface Manner {
  /** Of each frame of it: what is before it in the row of all streams, as a part of their number. */
  readonly places: readonly number[];
  /** Where the body is cut. */
  readonly cuts: readonly number[];
  readonly choices: readonly number[];
  readonly headPadding: number | undefined;
  readonly bodyPadding: number | undefined;
  readonly hasPriority: boolean;
  /** In how many frames the head comes. */
  readonly headParts: number;
  readonly hasEmptyEnd: boolean;
  readonly hasTrailers: boolean;
  /** After how many frames the client resets it; there may not be as many. */
  readonly resetAfter: number | undefined;
  /** Before which frame another one comes that changes nothing. */
  readonly strayAt: number;
  readonly stray: (streamId: number) => Buffer;
}

const padding = fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined, freq: 3 });
const manner: fc.Arbitrary<Manner> = fc.record({
  places: fc.array(fc.nat(1000), { minLength: 4, maxLength: 8 }),
  cuts: fc.array(fc.nat(70_000), { maxLength: 3 }),
  choices: fc.array(fc.nat(1_000_000), { minLength: 2, maxLength: 8 }),
  headPadding: padding,
  bodyPadding: padding,
  hasPriority: fc.boolean(),
  headParts: fc.constantFrom(1, 1, 1, 2, 4),
  hasEmptyEnd: fc.boolean(),
  hasTrailers: fc.constantFrom(false, false, false, true),
  resetAfter: fc.option(fc.nat(5), { nil: undefined, freq: 5 }),
  strayAt: fc.nat(12),
  stray: fc.constantFrom<((streamId: number) => Buffer)[]>(
    (id) => windowUpdate(id, 1000),
    () => windowUpdate(0, 1000),
    () => ping("stranger"),
    (id) => http2Frame(Type.priority, 0, id, Buffer.concat([numbers(0), Buffer.of(16)])),
    (id) => http2Frame(Type.unknown, 0xff, id, Buffer.from("unknown")),
    () => settings(),
  ),
});

const MAX_DATA_BYTES = 16_384 - 256;

/** The frames of a request but for its head, the last of which ends it. */
function bodyFrames(
  streamId: number,
  { body }: Request,
  how: Manner,
  encoder: HeaderEncoder,
): (() => Buffer)[] {
  const cuts = [...new Set(how.cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b);
  const parts = [0, ...cuts].map((from, index) => body.subarray(from, cuts[index]));
  const fitting = parts.flatMap((part) =>
    Array.from({ length: Math.ceil(part.length / MAX_DATA_BYTES) || 1 }, (_, n) =>
      part.subarray(n * MAX_DATA_BYTES, (n + 1) * MAX_DATA_BYTES),
    ),
  );
  const frames = fitting.map((part) => padded(Type.data, 0, streamId, part, how.bodyPadding));
  if (how.hasEmptyEnd) frames.push(http2Frame(Type.data, 0, streamId, Buffer.of()));
  const last = frames.at(-1);
  if (!how.hasTrailers && last) last[4] = (last[4] ?? 0) | Flag.endStream;
  const makers = frames.map((frame) => () => frame);
  if (how.hasTrailers) {
    const flags = Flag.endHeaders | Flag.endStream;
    const trailers = fieldsOf({ "x-sum": "1" });
    makers.push(() => http2Frame(Type.headers, flags, streamId, encoder.encode(trailers, how.choices)));
  }
  return makers;
}

function padded(type: number, flags: number, id: number, payload: Buffer, bytes: number | undefined): Buffer {
  if (bytes === undefined) return http2Frame(type, flags, id, payload);
  const all = Buffer.concat([Buffer.of(bytes), payload, Buffer.alloc(bytes)]);
  return http2Frame(type, flags | Flag.padded, id, all);
}

/** HEADERS and what continues it. */
function headFrames(streamId: number, { head, body }: Request, how: Manner, encoder: HeaderEncoder): Buffer {
  const block = encoder.encode(head, how.choices);
  const isLast = body.length === 0 && how.cuts.length === 0;
  const length = Math.ceil(block.length / how.headParts);
  const parts = Array.from({ length: how.headParts }, (_, n) => block.subarray(n * length, (n + 1) * length));
  const frames = parts.map((part, index) => {
    const flags = index === how.headParts - 1 ? Flag.endHeaders : 0;
    if (index > 0) return http2Frame(Type.continuation, flags, streamId, part);
    const priority = how.hasPriority ? Buffer.concat([numbers(0), Buffer.of(200)]) : Buffer.of();
    const flagsOfHead = flags | (isLast ? Flag.endStream : 0) | (how.hasPriority ? Flag.priority : 0);
    return padded(Type.headers, flagsOfHead, streamId, Buffer.concat([priority, part]), how.headPadding);
  });
  return Buffer.concat(frames);
}

interface Sent {
  /** What all ids of events begin with: what others left behind is not of this run. */
  readonly run: string;
  readonly bytes: Buffer;
  readonly answered: readonly number[];
  /** The ids of events that may be stored or not: their streams were reset when all of them had come. */
  readonly uncertain: ReadonlySet<string>;
  /** Those whose streams were reset before. */
  readonly broken: ReadonlySet<string>;
}

type Stream = readonly [MakeRequest, Manner];

/** Lays the frames of all streams in one row. */
function lay(run: string, streams: readonly Stream[]): Sent {
  const encoder = new HeaderEncoder();
  const bytes: Buffer[] = [];
  const [uncertain, broken] = [new Set<string>(), new Set<string>()];
  const answered: number[] = [];
  const under = new Set<{ place: number; send: () => boolean }>();
  const advance = (place: number) => {
    for (const each of under) if (each.place <= place && each.send()) under.delete(each);
  };
  for (const [index, [make, how]] of streams.entries()) {
    const streamId = 2 * index + 1;
    const eventId = `${run}${streamId}`;
    const request = make(eventId);
    bytes.push(headFrames(streamId, request, how, encoder));
    const hasBody = request.body.length > 0 || how.cuts.length > 0;
    const rest = hasBody ? bodyFrames(streamId, request, how, encoder) : [];
    let sent = 0;
    const state = {
      place: index + ((how.places[0] ?? 0) % 4),
      /** Whether that was the last one. */
      send: () => {
        if (how.strayAt === sent) bytes.push(how.stray(streamId));
        if (how.resetAfter === sent) {
          bytes.push(reset(streamId));
          (rest.length === 0 || request.isStream ? uncertain : broken).add(eventId);
          return true;
        }
        const next = rest.shift();
        if (!next) {
          answered.push(streamId);
          return true;
        }
        bytes.push(next());
        sent += 1;
        state.place += (how.places[sent % how.places.length] ?? 0) % 3;
        return false;
      },
    };
    under.add(state);
    advance(index);
  }
  for (let place = streams.length; under.size > 0; place += 1) advance(place);
  return { run, bytes: Buffer.concat(bytes), answered, uncertain, broken };
}

/** What a client sees of each stream that it has not reset, and the events that are stored. */
async function outcome(
  { port, ingest }: { readonly port: number; readonly ingest: FakeIngest },
  { run, bytes, answered, uncertain, broken }: Sent,
  pieces: readonly number[],
) {
  // Nothing is to come between the pieces of a frame, and all answers are shorter than the windows.
  const session = await RawSession.open(port, { givesWindow: false });
  for (let at = 0, piece = 0; at < bytes.length; piece += 1) {
    const length = pieces[piece % pieces.length] ?? bytes.length;
    session.send(bytes.subarray(at, at + length));
    at += length;
    if (piece < 50) await turn();
  }
  await session.answered(...answered);
  await session.caughtUp();
  expect(session.goaways).toEqual([]);
  session.socket.destroy();
  const all = ingest.stored.map((event, index) => ({ event, origin: ingest.origins[index] }));
  const stored = all.filter(({ event }) => event.eventId.startsWith(run));
  const seen = answered.map((id) => {
    const { headers, trailers, body, isEnded, reset } = session.answer(id);
    const { date, ...others } = headers;
    // A whole answer may come before the whole request, whose rest is asked not to be sent.
    return {
      id,
      headers: others,
      trailers,
      body,
      isEnded,
      reset: isEnded ? undefined : reset,
      hasDate: date !== undefined,
    };
  });
  expect(stored.filter(({ event }) => broken.has(event.eventId))).toEqual([]);
  const certain = stored.filter(({ event }) => !uncertain.has(event.eventId));
  return { seen, stored: certain.map((each) => JSON.stringify(each)).sort() };
}

const request = fc.oneof(
  { arbitrary: good, weight: 5 },
  { arbitrary: bad, weight: 2 },
  { arbitrary: other, weight: 2 },
);
/** How many bytes come at a time. */
const pieces = fc.oneof(
  fc.constant([1_000_000]),
  fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
);

test("any streams in any order and any pieces are answered as node:http2 answers them", {
  timeout: 120_000,
}, async () => {
  const [shared, byNode] = [await openTestPort(), await openReference()];
  const streams = fc.array(fc.tuple(request, manner), { minLength: 1, maxLength: 8 });
  let [runs, stored] = [0, 0];
  const statuses = new Set<string | undefined>();
  await fc.assert(
    fc.asyncProperty(streams, pieces, async (all, cut) => {
      runs += 1;
      const sent = lay(`run-${runs}-`, all);
      const seen = await outcome(shared, sent, cut);
      expect(seen).toEqual(await outcome(byNode, sent, cut));
      stored += seen.stored.length;
      for (const { headers } of seen.seen) statuses.add(headers[":status"]);
    }),
    { numRuns: 500 },
  );
  expect(stored).toBeGreaterThan(500);
  expect([...statuses]).toEqual(expect.arrayContaining(["200", "400", "404", undefined]));
  expect(shared.logged).toEqual([]);
});
