// What tests of records share: any event, and the frame of some records.

import fc from "fast-check";
import { BotReason } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordGroup } from "../../src/log/event-log.ts";
import { decodeFrameHeader, encodeFrame } from "../../src/log/format.ts";
import type { Frame } from "../../src/log/frame-reader.ts";
import type { RecordedEvent } from "../../src/log/records.ts";

const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ minLength: 100, maxLength: 300 }));
const core = {
  siteId: text,
  eventType: text,
  path: text,
  userId: text,
  timestamp: fc
    .date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
    .map((date) => date.toISOString()),
  id: fc.oneof(
    text.map((value) => ({ case: "clientEventId" as const, value })),
    fc
      .uint8Array({ maxLength: 16 })
      .map((bytes) => ({ case: "serverEventId" as const, value: Buffer.from(bytes) })),
    fc.constant({ case: undefined }),
  ),
  receivedAtMs: fc.bigInt({ min: 0n, max: 2n ** 53n }),
};
const later = {
  ...{ hostname: text, title: text, language: text, referrer: text, source: text, channel: text },
  ...{ utmSource: text, utmMedium: text, utmCampaign: text, utmTerm: text, utmContent: text },
  ...{ browser: text, os: text, device: text, country: text, region: text, currency: text },
  screenWidth: fc.nat(100_000),
  props: fc.dictionary(text, text, { maxKeys: 3 }),
  revenueMicros: fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  bot: fc.constantFrom(BotReason.UNSPECIFIED, BotReason.USER_AGENT, BotReason.PREFETCH),
  visitor: fc.uint8Array({ minLength: 1, maxLength: 16 }).map((bytes) => Buffer.from(bytes)),
};
/** Bare, as most events were once, or with some of what came later. */
export const anyEvent: fc.Arbitrary<RecordedEvent> = fc.oneof(
  fc.record(core),
  fc
    .tuple(fc.record(core), fc.record(later, { requiredKeys: [] }))
    .map(([event, more]) => ({ ...event, ...more })),
);

export function frameOf(group: RecordGroup, firstOffset = 0): Frame {
  const { bytes } = encodeFrame([group], firstOffset, 0);
  const header = decodeFrameHeader(bytes);
  if (!header) throw new Error("the frame has no header");
  return { header, position: 0, end: bytes.length, bytes };
}
