import { create } from "@bufbuild/protobuf";
import { sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  LogRecordSchema,
  RecordedEventSchema,
  RecordedGoalSchema,
  RecordedSiteSchema,
} from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { decodeRecords, encodeSetting, RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { anyEvent, frameOf } from "./records-fixture.ts";

const event: RecordedEvent = {
  ...{ siteId: "s", eventType: "e", path: "p", userId: "u", timestamp: "t", receivedAtMs: 1n },
  id: { case: "clientEventId", value: "i" },
};

test("records are what protobuf's own encoder writes", () => {
  const encoder = new RecordEncoder();
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 5 }), (events) => {
      const expected = events.map((event) => {
        const value = create(RecordedEventSchema, event);
        return sizeDelimitedEncode(
          LogRecordSchema,
          create(LogRecordSchema, { record: { case: "event", value } }),
        );
      });
      const { bytes, count } = encoder.encode(events);
      expect(Buffer.from(bytes)).toEqual(Buffer.concat(expected));
      expect(count).toBe(events.length);
    }),
  );
});

test("events are read as they were written", () => {
  const encoder = new RecordEncoder();
  fc.assert(
    fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 5 }), (events) => {
      const read = decodeRecords(frameOf(encoder.encode(events)));
      const expected = events.map((event) => ({ case: "event", value: create(RecordedEventSchema, event) }));
      expect(read.map(({ record }) => record)).toEqual(expected);
    }),
  );
});

test("fields that a later version adds are passed over, and a kind that it adds is told", () => {
  const withField = Buffer.from([0x0a, 0x06, 0x0a, 0x01, 0x73, 0xb8, 0x3e, 0x05, 0xb8, 0x3e, 0x07]);
  const otherKind = Buffer.from([0xc2, 0x3e, 0x02, 0x61, 0x62]);
  const bytes = Buffer.concat([Buffer.from([11]), withField, Buffer.from([5]), otherKind]);
  expect(decodeRecords(frameOf({ bytes, count: 2 }))).toMatchObject([
    { record: { case: "event", value: { siteId: "s", eventType: "" } } },
    { record: { case: undefined } },
  ]);
});

test("a frame that is not exactly its records is refused", () => {
  const { bytes } = new RecordEncoder().encode([event]);
  expect(() => decodeRecords(frameOf({ bytes, count: 2 }))).toThrow("promises 2 records and has 1");
  expect(() => decodeRecords(frameOf({ bytes: bytes.subarray(0, -1), count: 1 }))).toThrow(RangeError);
});

test("the events above have every field that there is", () => {
  const made = new Set(fc.sample(anyEvent, 100).flatMap((event) => Object.keys(event)));
  const fields = RecordedEventSchema.members.map(({ localName }) => localName);
  expect([...made].sort()).toEqual(fields.sort());
});

test.for([
  create(RecordedSiteSchema, { siteId: "s", name: "Shop", timeZone: "Europe/Berlin", receivedAtMs: 5n }),
  create(RecordedGoalSchema, {
    ...{ siteId: "s", name: "Signup", receivedAtMs: 5n },
    filter: {
      kind: { case: "condition", value: { dimension: "event_type", operator: "is", values: ["signup"] } },
    },
  }),
])("a setting is read as it was written: $name", (setting) => {
  const read = decodeRecords(frameOf(encodeSetting(setting)));
  expect(read.map(({ record }) => record.value)).toEqual([setting]);
});
