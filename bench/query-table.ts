// The same events as a table in DuckDB, in memory, made so that it is fast there, too: texts are of ENUM types, visitors
// and visits are numbers, and rows are in order of time.

import { type DuckDBConnection, DuckDBDataChunk, type DuckDBValue } from "@duckdb/node-api";
import { BotReason } from "../gen/ts/analytics/v1/event_log_pb.ts";
import type { RecordedEvent } from "../src/log/records.ts";
import { EVENT_DIMENSIONS, type EventDimension } from "../src/query/plan.ts";
import { queryEvents } from "./query-events.ts";
import { columnOf } from "./query-questions.ts";
import * as words from "./query-vocabulary.ts";

/** What DuckDB calls a vector: a chunk can have no more. */
const CHUNK_ROWS = 2048;

const SITES = Array.from({ length: words.SITES }, (_, site) => words.siteId(site));
const COUNTRIES = Array.from({ length: words.COUNTRIES }, (_, country) => country);

/** All that a column can have, beside "". */
const TEXTS: Readonly<Record<EventDimension | "site" | "props.plan", readonly string[]>> = {
  site: SITES,
  path: words.PAGES.map(({ path }) => path),
  title: words.PAGES.map(({ title }) => title),
  hostname: SITES.flatMap((site) => words.HOST_PREFIXES.map((prefix) => prefix + site)),
  event_type: words.EVENT_TYPES,
  source: words.SOURCES.map(({ name }) => name),
  referrer: words.SOURCES.map(({ referrer }) => referrer),
  channel: [...words.SOURCES.map(({ channel }) => channel), "Paid Other"],
  utm_source: words.UTM_SOURCES,
  utm_medium: words.UTM_MEDIUMS,
  utm_campaign: words.CAMPAIGNS,
  utm_term: words.TERMS,
  utm_content: words.CONTENTS,
  browser: words.BROWSERS,
  os: words.OSES,
  device: words.DEVICES,
  country: COUNTRIES.map(words.countryText),
  region: COUNTRIES.flatMap((country) =>
    Array.from({ length: words.REGIONS_PER_COUNTRY }, (_, region) => words.regionText(country, region)),
  ),
  language: words.LANGUAGES,
  "props.plan": words.PLANS,
};
const TEXT_COLUMNS = ["site", ...EVENT_DIMENSIONS, "props.plan"] as const;

/**
 * A visit is what Footfall takes for one: no 30 minutes without an event. Offsets ascend with the time. Only what is
 * narrow is joined and sorted, as that takes much memory.
 */
const EVENTS = `
CREATE TABLE visited AS
SELECT "offset", event_type, path, sum(begins::INTEGER) OVER (ORDER BY site, visitor, "offset")::INTEGER AS visit
FROM (
  SELECT "offset", site, visitor, event_type, path, coalesce(at_ms - lag(at_ms) OVER of_visitor >= 30 * 60 * 1000, true) AS begins
  FROM sent
  WINDOW of_visitor AS (PARTITION BY site, visitor ORDER BY "offset")
);
CREATE TABLE visits AS
SELECT visit, arg_min(path, "offset") AS entry_page, arg_max(path, "offset") AS exit_page
FROM visited WHERE event_type = 'page_view' GROUP BY visit;
CREATE TABLE of_events AS
SELECT visit, coalesce(entry_page, ''::path_text) AS entry_page, coalesce(exit_page, ''::path_text) AS exit_page
FROM visited LEFT JOIN visits USING (visit)
ORDER BY "offset";
DROP TABLE visited;
DROP TABLE visits;
CREATE TABLE events AS
SELECT sent.* EXCLUDE ("offset", at_ms), make_timestamp(at_ms * 1000) AS moment, of_events.*
FROM sent POSITIONAL JOIN of_events;
DROP TABLE of_events;
DROP TABLE sent;`;

/** Makes the table `events` of the events of queryEvents(); resolves to how many there are. */
export async function makeQueryTable(connection: DuckDBConnection, events: number): Promise<number> {
  for (const column of TEXT_COLUMNS) {
    const texts = [...new Set(["", ...TEXTS[column]])].map((text) => `'${text}'`);
    await connection.run(`CREATE TYPE ${columnOf(column)}_text AS ENUM (${texts.join(", ")})`);
  }
  const texts = TEXT_COLUMNS.map(columnOf).map((column) => `${column} ${column}_text`);
  await connection.run(
    `CREATE TABLE sent ("offset" INTEGER, at_ms BIGINT, visitor BIGINT, is_bot BOOLEAN, ${texts.join(", ")})`,
  );
  const appender = await connection.createAppender("sent");
  const types = Array.from({ length: appender.columnCount }, (_, column) => appender.columnType(column));
  let rows: DuckDBValue[][] = [];
  let offset = 0;
  const append = () => {
    const chunk = DuckDBDataChunk.create(types);
    chunk.setRows(rows);
    appender.appendDataChunk(chunk);
    rows = [];
  };
  for (const event of queryEvents(events)) {
    rows.push(rowOf(event, offset));
    offset += 1;
    if (rows.length === CHUNK_ROWS) append();
  }
  if (rows.length > 0) append();
  appender.closeSync();
  await connection.run(EVENTS);
  return offset;
}

function rowOf(event: RecordedEvent, offset: number): DuckDBValue[] {
  return [
    offset,
    event.receivedAtMs,
    visitorOf(event),
    event.bot !== BotReason.UNSPECIFIED,
    event.siteId,
    ...EVENT_DIMENSIONS.map((dimension) => textOf(event, dimension)),
    event.props?.plan ?? "",
  ];
}

/** The half of the hash that is enough, or the number of the user. */
function visitorOf({ userId, visitor }: RecordedEvent): bigint {
  if (!visitor) return BigInt(userId.slice(1));
  return new DataView(visitor.buffer, visitor.byteOffset).getBigInt64(0);
}

function textOf(event: RecordedEvent, dimension: EventDimension): string {
  switch (dimension) {
    case "event_type":
      return event.eventType;
    case "utm_source":
      return event.utmSource ?? "";
    case "utm_medium":
      return event.utmMedium ?? "";
    case "utm_campaign":
      return event.utmCampaign ?? "";
    case "utm_term":
      return event.utmTerm ?? "";
    case "utm_content":
      return event.utmContent ?? "";
    default:
      return event[dimension] ?? "";
  }
}
