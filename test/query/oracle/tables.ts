// The oracle's tables: the events of a log as they count, each with its visitor and its visit.
//
//   sent      as they were recorded
//   counted   without duplicates: of those with the same site and client event id, the first one
//   numbered  with the number of the visit among those of the visitor
//   visits    one row for each visit
//   events    what questions are asked of
//
// All of it is SQL of its own, so that it shares no mistake with the engine that it is to judge.

import type { DuckDBConnection } from "@duckdb/node-api";
import { BotReason } from "../../../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordedEvent } from "../../../src/log/records.ts";
import { EVENT_DIMENSIONS, type EventDimension } from "../../../src/query/plan.ts";

/** An event of a log with its offset there. */
export type ExportedEvent = RecordedEvent & { readonly offset: number };

const RECORD_TYPE = JSON.stringify([
  {
    log_offset: "BIGINT",
    site: "VARCHAR",
    user_id: "VARCHAR",
    hash: "VARCHAR",
    client_event_id: "VARCHAR",
    sent_at: "VARCHAR",
    is_bot: "BOOLEAN",
    revenue_micros: "BIGINT",
    currency: "VARCHAR",
    props: "MAP(VARCHAR, VARCHAR)",
    ...Object.fromEntries(EVENT_DIMENSIONS.map((name) => [name, "VARCHAR"])),
  },
]);

const LOAD = `
CREATE TABLE sent AS SELECT unnest(from_json($1::JSON, '${RECORD_TYPE}'), max_depth := 2)`;

const TABLES = `
CREATE TABLE counted AS
SELECT *,
  epoch_ms(sent_at[1:19]::TIMESTAMP)
    + rpad(regexp_extract(sent_at, '\\.(\\d+)', 1), 3, '0')[1:3]::BIGINT AS at_ms,
  CASE WHEN user_id <> '' THEN 'user ' || user_id WHEN hash <> '' THEN 'hash ' || hash END AS visitor
FROM sent
QUALIFY client_event_id IS NULL
  OR row_number() OVER (PARTITION BY site, client_event_id ORDER BY log_offset) = 1;

CREATE TABLE numbered AS
SELECT *, count(*) FILTER (begins) OVER (of_visitor ROWS UNBOUNDED PRECEDING) AS nth
FROM (
  SELECT *, coalesce(at_ms - lag(at_ms) OVER of_visitor >= 30 * 60 * 1000, true) AS begins
  FROM counted
  WINDOW of_visitor AS (PARTITION BY site, visitor, is_bot ORDER BY at_ms, log_offset)
)
WINDOW of_visitor AS (PARTITION BY site, visitor, is_bot ORDER BY at_ms, log_offset);

CREATE TABLE visits AS
SELECT site, visitor, is_bot, nth,
  row_number() OVER () AS visit,
  max(at_ms) - min(at_ms) AS duration_ms,
  count(*) = 1 AND bool_and(event_type = 'page_view') AS bounced,
  list(path ORDER BY at_ms, log_offset) FILTER (event_type = 'page_view') AS pages
FROM numbered
WHERE visitor IS NOT NULL
GROUP BY site, visitor, is_bot, nth;

CREATE TABLE events AS
SELECT numbered.*, visit, duration_ms, bounced,
  coalesce(pages[1], '') AS entry_page,
  coalesce(pages[-1], '') AS exit_page
FROM numbered LEFT JOIN visits USING (site, visitor, is_bot, nth);`;

/** Makes the tables in the empty database of `connection`. */
export async function makeTables(
  connection: DuckDBConnection,
  events: readonly ExportedEvent[],
): Promise<void> {
  await connection.run(LOAD, [JSON.stringify(events.map(rowOf))]);
  await connection.run(TABLES);
}

function rowOf(event: ExportedEvent): object {
  return {
    log_offset: event.offset,
    site: event.siteId,
    user_id: event.userId,
    hash: Buffer.from(event.visitor ?? []).toString("hex"),
    client_event_id: event.id.case === "clientEventId" ? event.id.value : null,
    sent_at: event.timestamp,
    is_bot: (event.bot ?? BotReason.UNSPECIFIED) !== BotReason.UNSPECIFIED,
    revenue_micros: String(event.revenueMicros ?? 0n),
    currency: event.currency ?? "",
    props: event.props ?? {},
    ...dimensionsOf(event),
  };
}

function dimensionsOf(event: ExportedEvent): Record<EventDimension, string> {
  return {
    path: event.path,
    event_type: event.eventType,
    hostname: event.hostname ?? "",
    title: event.title ?? "",
    source: event.source ?? "",
    referrer: event.referrer ?? "",
    channel: event.channel ?? "",
    utm_source: event.utmSource ?? "",
    utm_medium: event.utmMedium ?? "",
    utm_campaign: event.utmCampaign ?? "",
    utm_term: event.utmTerm ?? "",
    utm_content: event.utmContent ?? "",
    browser: event.browser ?? "",
    os: event.os ?? "",
    device: event.device ?? "",
    country: event.country ?? "",
    region: event.region ?? "",
    language: event.language ?? "",
  };
}
