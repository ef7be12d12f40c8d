// Both ways from the bytes of events to the bytes of records, held to the same: by PlainEvents, and by protobuf-es,
// validateEvent and RecordEncoder.

import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { type LogRecord, LogRecordSchema } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { Enricher } from "../../src/ingest/enricher.ts";
import { EventIds } from "../../src/ingest/event-id.ts";
import { type Origin, UNKNOWN_ORIGIN } from "../../src/ingest/origin.ts";
import { PlainEvents } from "../../src/ingest/plain-events.ts";
import { validateEvent } from "../../src/ingest/validate.ts";
import { Visitors } from "../../src/ingest/visitors.ts";
import type { RecordGroup } from "../../src/log/event-log.ts";
import { eventIdOf, RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { decodeEvent, type EventFields, encodeEvent } from "./event-bytes.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NOW_MS = Date.parse("2025-11-12T12:00:00.250Z");

const EVENT_TAG = Buffer.of(0x0a);

/** Two days' keys, each of which is always the same. */
const keyOf = (day: number) => Buffer.alloc(32, day);
const openEnricher = () => new Enricher({ visitors: new Visitors({ keyOf, openKey: keyOf }) });

let enricher = openEnricher();
let plain = new PlainEvents(new EventIds(), enricher);
beforeEach(() => {
  enricher = openEnricher();
  plain = new PlainEvents(new EventIds(), enricher);
});

/** A message of these bytes, with its length, which is below 128, before it. */
const raw = (bytes: string | readonly number[]) => {
  const message = Buffer.from(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  return Buffer.concat([Buffer.from([message.length]), message]);
};

/** The records that PlainEvents makes of events one by one, and as one message; and their bytes. */
function short(events: readonly Uint8Array[], receivedAtMs = NOW_MS) {
  const group = plain.records(events, receivedAtMs);
  const whole = plain.batch(batchOf(events), receivedAtMs);
  expect(whole && withoutServerIds(decodeRecords(whole))).toEqual(
    group && withoutServerIds(decodeRecords(group)),
  );
  return group && { bytes: Buffer.from(group.bytes), records: decodeRecords(group) };
}

/** An IngestEventsRequest. */
function batchOf(events: readonly Uint8Array[]): Buffer {
  return Buffer.concat(events.flatMap((event) => [EVENT_TAG, event]));
}

function decodeRecords(group: RecordGroup): LogRecord[] {
  const reader = new BinaryReader(group.bytes);
  const records: LogRecord[] = [];
  while (reader.pos < reader.len) records.push(fromBinary(LogRecordSchema, reader.bytes()));
  expect(records.length).toBe(group.count);
  return records;
}

function withoutServerIds(records: readonly LogRecord[]) {
  return records.map((record) => {
    const event = eventOf(record);
    return event && { ...event, id: event.id.case === "serverEventId" ? undefined : event.id };
  });
}

/**
 * The bytes of the records that the long way makes, with the ids that the server made in `records`; undefined when an
 * event cannot be decoded or is not valid.
 */
function long(
  events: readonly Uint8Array[],
  records: readonly LogRecord[],
  receivedAtMs = NOW_MS,
  origin = UNKNOWN_ORIGIN,
) {
  const recorded: RecordedEvent[] = [];
  for (const [at, bytes] of events.entries()) {
    const event = decodeEvent(bytes);
    const result = event && validateEvent(event, receivedAtMs);
    if (!result?.ok) return undefined;
    const { eventId, details, ...fields } = result.event;
    if (details) return undefined;
    const made = eventOf(records[at])?.id;
    const found = enricher.enrich(result.event, origin, receivedAtMs);
    if (typeof found === "string") throw new Error(found);
    const id: RecordedEvent["id"] =
      eventId !== ""
        ? { case: "clientEventId", value: eventId }
        : { case: "serverEventId", value: made?.case === "serverEventId" ? made.value : new Uint8Array(16) };
    recorded.push({ ...fields, ...found, id, receivedAtMs: BigInt(receivedAtMs) });
  }
  return Buffer.from(new RecordEncoder().encode(recorded).bytes);
}

function eventOf(record: LogRecord | undefined) {
  return record?.record.case === "event" ? record.record.value : undefined;
}

/** Near the limits, with characters of all lengths and, rarely, ones that are not allowed. */
const text = (maxBytes: number) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.string({ maxLength: 20 }) },
    { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.integer({ min: maxBytes - 2, max: maxBytes + 1 }), fc.constantFrom("x", "é", "€"))
        .map(([bytes, char]) => char.repeat(bytes / Buffer.byteLength(char))),
    },
  );
const timestamp = fc.oneof(
  fc.constantFrom("2025-11-12T11:00:00Z", "2025-11-12 13:00:00.5+02:00", "2025-11-12T11:00:00.120"),
  fc.constantFrom(
    "",
    "yesterday",
    "2025-02-30T00:00:00Z",
    "2025-11-13T12:00:00.250Z",
    "2025-11-13T12:00:00.251Z",
  ),
  fc.constantFrom("2025-11-12T10:59:59.000Z", "2025-11-12T24:00:00Z", "2025-11-12T11:60:00.001Z"),
  fc.constantFrom(
    "2025-11-12T11:00:60Z",
    "2025-11-12T1:000:00Z",
    "2025-11-12t11:00:00.5Z",
    "2025-11-12T11:00:00,120Z",
  ),
  fc.constantFrom("0000-01-01T00:00:00.123456789Z", "２025-11-12T11:00:00Z"),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(NOW_MS) }).map((date) => date.toISOString()),
);
const anyFields: fc.Arbitrary<EventFields> = fc.record(
  {
    ...{ siteId: text(128), eventType: text(64), path: text(2048), userId: text(256) },
    ...{ timestamp, eventId: text(128) },
  },
  { requiredKeys: ["siteId", "eventType"] },
);

test("events are plain just when they are valid, and their records are the same by both ways", () => {
  let plains = 0;
  fc.assert(
    fc.property(fc.array(anyFields, { minLength: 1, maxLength: 4 }), (fields) => {
      const events = fields.map(encodeEvent);
      const isEmptyTime = fields.some((field) => field.timestamp === "");
      const made = short(events);
      if (isEmptyTime) expect(made).toBeUndefined();
      else expect(made?.bytes).toEqual(long(events, made?.records ?? []));
      if (made) plains += 1;
    }),
    { numRuns: 2000 },
  );
  expect(plains).toBeGreaterThan(200);
});

test("whatever the bytes, what is plain has the records of the long way", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), isInserted: fc.boolean() });
  fc.assert(
    fc.property(anyFields, fc.array(change, { minLength: 1, maxLength: 3 }), (fields, changes) => {
      let message = [...new BinaryReader(encodeEvent(fields)).bytes()];
      for (const { at, byte, isInserted } of changes) {
        message = message.toSpliced(at % (message.length + 1), isInserted ? 0 : 1, byte);
      }
      fc.pre(message.length < 128);
      const event = raw(message);
      const made = short([event]);
      if (made) expect(made.bytes).toEqual(long([event], made.records));
    }),
    { numRuns: 5000 },
  );
});

test("whatever the timestamp after one of its day, it is read as parseTimestamp reads it", () => {
  const seed = "2025-11-12T10:00:00Z";
  const change = fc.record({ at: fc.nat(23), char: fc.constantFrom(..."0123456789:.TtZz -+/;") });
  fc.assert(
    fc.property(
      fc.constantFrom("2025-11-12T10:59:58Z", "2025-11-12T10:59:58.123Z", "2025-11-12T11:08:09.000Z"),
      fc.array(change, { maxLength: 2 }),
      (time, changes) => {
        const chars = [...time];
        for (const { at, char } of changes) chars[at % chars.length] = char;
        const fields = { siteId: "s", eventType: "e", eventId: "i" };
        const events = [seed, chars.join("")].map((timestamp) => encodeEvent({ ...fields, timestamp }));
        expect(short(events)?.bytes).toEqual(long(events, []));
      },
    ),
    { numRuns: 3000 },
  );
});

const anyOrigin: fc.Arbitrary<Origin> = fc.record({
  address: fc.constantFrom("", "192.0.2.1", "2001:db8::1"),
  userAgent: fc.constantFrom("", FIREFOX, "curl/8.5.0", "Googlebot/2.1 (+http://www.google.com/bot.html)"),
  ...{ isPrefetch: fc.boolean(), isLocal: fc.boolean(), refusesTracking: fc.constant(false) },
});

test("one event alone has the record that it has among others and what is known of its origin, and tells its id", () => {
  fc.assert(
    fc.property(anyFields, anyOrigin, (fields, origin) => {
      const message = Buffer.from(new BinaryReader(encodeEvent(fields)).bytes());
      // Not at the beginning of its memory, as the message of a gRPC call is not.
      const given = Buffer.concat([Buffer.from("before"), message]).subarray(6);
      const made = plain.record(given, NOW_MS, origin);
      expect(made === undefined).toBe(short([encodeEvent(fields)]) === undefined);
      if (!made) return;
      const record = fromBinary(LogRecordSchema, new BinaryReader(made.group.bytes).bytes());
      expect(Buffer.from(made.group.bytes)).toEqual(long([encodeEvent(fields)], [record], NOW_MS, origin));
      const value = eventOf(record);
      if (!value) throw new Error("the record has no event");
      expect(made.eventId).toBe(eventIdOf(value));
      expect(made.group.count).toBe(1);
    }),
    { numRuns: 2000 },
  );
});

test("every event with the same fields is a record with an id of its own", () => {
  const events = Array.from({ length: 300 }, () => encodeEvent({ siteId: "s", eventType: "e" }));
  const ids = short(events)?.records.map((record) => eventOf(record)?.id);
  expect(ids?.every((id) => id?.case === "serverEventId")).toBe(true);
  expect(new Set(ids?.map((id) => Buffer.from(id?.value ?? "").toString("hex"))).size).toBe(300);
});

test.each([0, 1, NOW_MS, 2 ** 52])("a time of receipt of %i ms is written as RecordEncoder does", (ms) => {
  const events = [encodeEvent({ siteId: "s", eventType: "e", timestamp: "1970-01-01T00:00:00Z" })];
  const made = short(events, ms);
  expect(made?.bytes).toEqual(long(events, made?.records ?? [], ms));
});

test("a time that was read before is judged by the time of receipt of now", () => {
  const events = [encodeEvent({ siteId: "s", eventType: "e", timestamp: "2025-11-13T12:00:00.250Z" })];
  expect(short(events)).toBeDefined();
  expect(short(events, NOW_MS - 1)).toBeUndefined();
  expect(short(events)).toBeDefined();
});

test.each([
  ["no field", ""],
  ["a url", "\x0a\x01s\x12\x01e\x3a\x01x"],
  ["a client address", "\x0a\x01s\x12\x01e\x82\x01\x011"],
  ["an unknown field", "\x0a\x01s\x12\x01e\xfa\x01\x01x"],
  ["a field twice", "\x0a\x01s\x12\x01e\x12\x01e"],
  ["fields in another order", "\x12\x01e\x0a\x01s"],
  ["an empty field", "\x0a\x01s\x12\x01e\x1a\x00"],
  ["an empty timestamp", "\x0a\x01s\x12\x01e\x2a\x00"],
  ["a number for a text", "\x0a\x01s\x12\x01e\x18\x01"],
  ["a length that is longer than need be", "\x0a\x81\x00s\x12\x01e"],
  ["a tag that is longer than need be", "\x8a\x00\x01s\x12\x01e"],
  ["a field that is cut off", "\x0a\x01s\x12\x02e"],
  ["a tag without a length", "\x0a\x01s\x12\x01e\x1a"],
  ["a length that is cut off", "\x0a\x01s\x12\x01e\x1a\x80"],
  ["no event type", "\x0a\x01s\x1a\x01p"],
  ["bytes that are no UTF-8", "\x0a\x01s\x12\x01e\x1a\x01\xff"],
  ["an overlong NUL", "\x0a\x01s\x12\x01e\x1a\x02\xc0\x80"],
  ["a surrogate", "\x0a\x01s\x12\x01e\x1a\x03\xed\xa0\x80"],
  ["U+009F", "\x0a\x01s\x12\x01e\x1a\x02\xc2\x9f"],
  ["a character that is cut off", "\x0a\x01s\x12\x01e\x1a\x01\xc2"],
])("an event with %s is not plain", (_, message) => {
  expect(short([raw(message)])).toBeUndefined();
});

test("U+00A0 and a byte order mark are plain", () => {
  expect(short([raw("\x0a\x01s\x12\x01e\x1a\x02\xc2\xa0")])).toBeDefined();
  expect(short([raw("\x0a\x01s\x12\x01e\x1a\x03\xef\xbb\xbf")])).toBeDefined();
});
