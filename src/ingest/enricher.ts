// Enrichment: what is found out about an event when it comes in, from what it says of its page and from who sent it. All
// of it is recorded, so that a replay of the log gives the same for ever.

import { BotReason } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import type { PageFields } from "../enrich/enrichment.ts";
import { pageFields } from "../enrich/page.ts";
import type { RecordedEvent } from "../log/records.ts";
import type { Details } from "./details.ts";
import type { Origin } from "./origin.ts";
import { type PlaceSource, Senders } from "./senders.ts";
import type { ValidEvent } from "./validate.ts";
import type { Visitors } from "./visitors.ts";

/** What it goes by beside the event; what is missing is found out about no event. */
export interface EnrichmentSources {
  readonly places?: PlaceSource | undefined;
  readonly visitors?: Visitors | undefined;
}

/** The fields of a record that are found, or checked, by enrichment. */
export type FoundFields = Pick<RecordedEvent, "path"> &
  Omit<
    Partial<RecordedEvent>,
    "path" | "siteId" | "eventType" | "userId" | "timestamp" | "id" | "receivedAtMs"
  >;

export class Enricher {
  readonly #senders: Senders;

  constructor({ places, visitors }: EnrichmentSources = {}) {
    this.#senders = new Senders(places, visitors);
  }

  /** What is found about an event received at `nowMs`, or why it cannot be stored. */
  enrich(event: ValidEvent, origin: Origin, nowMs: number): FoundFields | string {
    const { siteId, userId, path, details } = event;
    const page = details && pageOf(path, details);
    if (typeof page === "string") return page;
    const { fields } = this.#senders.of(siteId, userId !== "", details, origin, nowMs);
    if (!details) return { path, ...fields };
    const { title, language, screenWidth, props, revenue } = details;
    const { isReferrerSpam = false, ...ofPage } = page ?? { path };
    return {
      ...{ ...fields, title, language, screenWidth, props },
      ...(revenue && { revenueMicros: revenue.micros, currency: revenue.currency }),
      ...ofPage,
      ...(isReferrerSpam && !fields.bot && { bot: BotReason.REFERRER_SPAM }),
    };
  }

  /** What is found about an event that has no details, as the bytes at the end of its record. */
  senderBytes(siteId: string, hasUserId: boolean, origin: Origin, nowMs: number): Uint8Array {
    return this.#senders.of(siteId, hasUserId, undefined, origin, nowMs).bytes;
  }
}

/** An event that says nothing of where the visitor came from or who that is, has a path and none of the other fields. */
function pageOf(path: string, details: Details): PageFields | string | undefined {
  const { url, referrer, hostname, userAgent } = details;
  if (url === "" && referrer === "" && hostname === "" && userAgent === "") return undefined;
  return pageFields({ url, referrer, path, hostname });
}
