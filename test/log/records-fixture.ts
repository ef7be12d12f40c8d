// What tests of records share: any event, and the frame of some records.

import fc from "fast-check";
import type { RecordGroup } from "../../src/log/event-log.ts";
import { decodeFrameHeader, encodeFrame } from "../../src/log/format.ts";
import type { Frame } from "../../src/log/frame-reader.ts";
import type { RecordedEvent } from "../../src/log/records.ts";

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ minLength: 100, maxLength: 300 }));
export const anyEvent: fc.Arbitrary<RecordedEvent> = fc.record({
  siteId: text,
  eventType: text,
  path: text,
  userId: text,
  timestamp: text,
  id: fc.oneof(
    text.map((value) => ({ case: "clientEventId" as const, value })),
    fc
      .uint8Array({ maxLength: 16 })
      .map((bytes) => ({ case: "serverEventId" as const, value: Buffer.from(bytes) })),
    fc.constant({ case: undefined }),
  ),
  receivedAtMs: fc.bigInt({ min: 0n, max: 2n ** 53n }),
});

export function frameOf(group: RecordGroup, firstOffset = 0): Frame {
  const { bytes } = encodeFrame([group], firstOffset, 0);
  const header = decodeFrameHeader(bytes);
  if (!header) throw new Error("the frame has no header");
  return { header, position: 0, end: bytes.length, bytes };
}
