// Records of the log as they are shown to people and scripts.

import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { BotReason } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { eventIdOf, type LogRecord, type RecordedEvent } from "../log/records.ts";

/** A record for JSON.stringify(); what it lacks is undefined. An event has no `record`, all others do. */
export function recordJson(offset: number, { record }: LogRecord): object {
  if (record.case === undefined) return { offset, record: "unknown" };
  const received_at = new Date(Number(record.value.receivedAtMs)).toISOString();
  const head = { offset, received_at, site_id: record.value.siteId };
  switch (record.case) {
    case "event":
      return { ...head, ...eventJson(record.value) };
    case "site": {
      const { name, timeZone } = record.value;
      return { ...head, record: "site", name, time_zone: timeZone || undefined };
    }
    case "goal": {
      const { name, filter } = record.value;
      const json: JsonValue | undefined = filter && toJson(FilterSchema, filter);
      return { ...head, record: "goal", name, filter: json };
    }
  }
}

const BOT_REASONS: ReadonlyMap<BotReason, string> = new Map([
  [BotReason.USER_AGENT, "user_agent"],
  [BotReason.PREFETCH, "prefetch"],
  [BotReason.REFERRER_SPAM, "referrer_spam"],
]);

function eventJson(event: RecordedEvent): object {
  const { props = {}, revenueMicros = 0n, visitor = new Uint8Array(0), bot = BotReason.UNSPECIFIED } = event;
  return {
    event_type: event.eventType,
    path: event.path || undefined,
    user_id: event.userId || undefined,
    timestamp: event.timestamp,
    event_id: eventIdOf(event),
    event_id_from: event.id.case === "clientEventId" ? "client" : "server",
    hostname: event.hostname || undefined,
    title: event.title || undefined,
    language: event.language || undefined,
    screen_width: event.screenWidth || undefined,
    props: Object.keys(props).length > 0 ? props : undefined,
    revenue_micros: revenueMicros === 0n ? undefined : Number(revenueMicros),
    currency: event.currency || undefined,
    referrer: event.referrer || undefined,
    source: event.source || undefined,
    channel: event.channel || undefined,
    utm_source: event.utmSource || undefined,
    utm_medium: event.utmMedium || undefined,
    utm_campaign: event.utmCampaign || undefined,
    utm_term: event.utmTerm || undefined,
    utm_content: event.utmContent || undefined,
    browser: event.browser || undefined,
    os: event.os || undefined,
    device: event.device || undefined,
    country: event.country || undefined,
    region: event.region || undefined,
    bot: BOT_REASONS.get(bot),
    visitor: visitor.length > 0 ? Buffer.from(visitor).toString("hex") : undefined,
  };
}
