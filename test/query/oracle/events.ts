// Random events, made so that sessions arise and are as long as they just may be: visitors are few, and from one event of a
// visitor to its next it is often 30 minutes or a millisecond less.

import fc from "fast-check";
import { BotReason } from "../../../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordedEvent } from "../../../src/log/records.ts";
import type { ExportedEvent } from "./tables.ts";
import {
  CURRENCIES,
  EVENT_TYPES,
  HASH_BYTES,
  MOMENTS,
  type Moment,
  PATHS,
  PROP_KEYS,
  SITES,
  TEXTS,
  USERS,
} from "./vocabulary.ts";

/** The events of a log, and around which time they are. */
interface Dataset {
  readonly moment: Moment;
  readonly events: readonly ExportedEvent[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const VISIT_GAP_MS = 30 * MINUTE_MS;
const GAPS_MS = [
  0,
  1,
  999,
  MINUTE_MS,
  VISIT_GAP_MS - 1,
  VISIT_GAP_MS,
  VISIT_GAP_MS + 1,
  HOUR_MS,
  11 * HOUR_MS,
];
/** Where rows of events begin, from the moment: also in the periods that it is compared with. */
const STARTS_MS = [-HOUR_MS, -DAY_MS, -2 * DAY_MS, -8 * DAY_MS, -31 * DAY_MS, -366 * DAY_MS];

type Id = { readonly kind: "server" } | { readonly kind: "client"; readonly value: string };

/** When an event is, by the one of the same visitor and start before it, and who has done it. */
interface Step {
  readonly visitor: number;
  readonly start: number;
  readonly gapMs: number;
  /** The digits behind the milliseconds. */
  readonly finer: string;
  /** By how many places it is late in the log. */
  readonly late: number;
  readonly siteId: string;
  readonly id: Id;
  readonly fields: Partial<RecordedEvent>;
}

const text = fc.constantFrom(...TEXTS);

const fields: fc.Arbitrary<Partial<RecordedEvent>> = fc.record(
  {
    eventType: fc.oneof({ weight: 3, arbitrary: fc.constant("page_view") }, fc.constantFrom(...EVENT_TYPES)),
    path: fc.constantFrom(...PATHS),
    props: fc.dictionary(fc.constantFrom(...PROP_KEYS), text, { maxKeys: 3 }),
    revenueMicros: fc.bigInt(-1_000_000_000_000n, 1_000_000_000_000n),
    currency: fc.constantFrom(...CURRENCIES),
    bot: fc.constantFrom(
      BotReason.UNSPECIFIED,
      BotReason.UNSPECIFIED,
      BotReason.UNSPECIFIED,
      BotReason.PREFETCH,
    ),
    hostname: text,
    title: text,
    source: text,
    referrer: text,
    channel: text,
    utmSource: text,
    utmMedium: text,
    utmCampaign: text,
    utmTerm: text,
    utmContent: text,
    browser: text,
    os: text,
    device: text,
    country: text,
    region: text,
    language: text,
  },
  { requiredKeys: ["eventType", "path"] },
);

const id: fc.Arbitrary<Id> = fc.oneof(
  { weight: 9, arbitrary: fc.constant({ kind: "server" as const }) },
  fc.record({ kind: fc.constant("client" as const), value: fc.constantFrom("1", "2", "3", "4", "5", "'") }),
);

const step: fc.Arbitrary<Step> = fc.record({
  visitor: fc.nat(USERS.length + HASH_BYTES.length),
  start: fc.nat(STARTS_MS.length - 1),
  gapMs: fc.oneof(fc.constantFrom(...GAPS_MS), fc.nat(40 * MINUTE_MS)),
  finer: fc.constantFrom("", "", "999", "000001", "999999"),
  late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(50)),
  siteId: fc.oneof({ weight: 4, arbitrary: fc.constant(SITES[0]) }, fc.constant(SITES[1])),
  id,
  fields,
});

/** Events around one of the moments: a few, or up to `maxEvents`. */
export function dataset(maxEvents: number): fc.Arbitrary<Dataset> {
  return fc
    .tuple(
      fc.constantFrom(...MOMENTS),
      fc.oneof(fc.array(step, { maxLength: 20 }), {
        weight: 4,
        arbitrary: fc.array(step, { minLength: Math.floor(maxEvents / 2), maxLength: maxEvents }),
      }),
    )
    .map(([moment, steps]) => ({ moment, events: inLogOrder(steps, timesOf(steps, moment)) }));
}

function timesOf(steps: readonly Step[], moment: Moment): number[] {
  const clocks = new Map<string, number>();
  return steps.map(({ visitor, start, gapMs }) => {
    const key = `${visitor} ${start}`;
    const ms = (clocks.get(key) ?? moment.ms + (STARTS_MS[start] ?? 0)) + gapMs;
    clocks.set(key, ms);
    return ms;
  });
}

function inLogOrder(steps: readonly Step[], times: readonly number[]): ExportedEvent[] {
  return steps
    .map((step, index) => ({ step, ms: times[index] ?? 0, rank: index + step.late }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ step, ms }, offset) => ({
      offset,
      siteId: step.siteId,
      eventType: "",
      path: "",
      timestamp: timestampOf(ms, step.finer),
      id:
        step.id.kind === "client"
          ? { case: "clientEventId", value: step.id.value }
          : { case: "serverEventId", value: new Uint8Array(16) },
      receivedAtMs: BigInt(offset),
      ...who(step.visitor),
      ...step.fields,
    }));
}

/** Users first, then those without a user id, then nobody. */
function who(visitor: number): { userId: string; visitor?: Uint8Array } {
  const userId = USERS[visitor];
  if (userId !== undefined) return { userId };
  const byte = HASH_BYTES[visitor - USERS.length];
  return byte === undefined ? { userId: "" } : { userId: "", visitor: new Uint8Array(16).fill(byte) };
}

/** RFC 3339 with 0, 3, 6 or 9 digits of fraction. */
function timestampOf(ms: number, finer: string): string {
  const utc = new Date(ms).toISOString();
  if (finer !== "") return `${utc.slice(0, -1)}${finer}Z`;
  return utc.replace(".000Z", "Z");
}
