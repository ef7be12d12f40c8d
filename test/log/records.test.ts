import { create } from "@bufbuild/protobuf";
import { sizeDelimitedEncode } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LogRecordSchema, RecordedEventSchema } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { type NewEvent, RecordEncoder } from "../../src/log/records.ts";

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ minLength: 100, maxLength: 300 }));
const anyEvent: fc.Arbitrary<NewEvent> = fc.record({
  siteId: text,
  eventType: text,
  path: text,
  userId: text,
  timestamp: text,
  id: fc.oneof(
    text.map((value) => ({ case: "clientEventId" as const, value })),
    fc.uint8Array({ maxLength: 16 }).map((value) => ({ case: "serverEventId" as const, value })),
    fc.constant({ case: undefined }),
  ),
  receivedAtMs: fc.bigInt({ min: 0n, max: 2n ** 53n }),
});

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

test("the events above have every field that there is", () => {
  expect(RecordedEventSchema.fields.map(({ localName }) => localName)).toEqual([
    ...[
      "siteId",
      "eventType",
      "path",
      "userId",
      "timestamp",
      "clientEventId",
      "serverEventId",
      "receivedAtMs",
    ],
  ]);
});
