// A chunk: some events or some sessions of one site, as columns. A column in which all rows are 0 or empty is left out.
//
// Chunks that are to be read column by column are kept so; small ones are packed into one piece of bytes:
//
//   bytes 0-3   length of the directory, uint32 little-endian
//   then        the directory, JSON: [name, length of the column's bytes], ...
//   then        the columns, in that order

/** Columns of numbers. Of events: the time in ms since 1970, and the revenue in millionths of the currency. Of sessions: start
 *  and end in ms since 1970. */
export type NumberColumn = "time" | "revenue" | "start" | "end";

/** Columns of whole numbers from 0 on. Of events: visitor and session (0: none), and whether it is a bot's (1). Of
 *  sessions: its number, how many events and page views it has, and whether its last page view has another path than its
 *  first (1). Those named distinct have no rows of their own: see
 *  summary.ts. */
export type IntegerColumn =
  | ("visitor" | "session" | "bot" | "number" | "events" | "pageviews" | "moved")
  | ("distinct_visitors" | "distinct_sessions");

/** Columns of texts. Of events: dimensions, props as JSON, and the currency. Of sessions: the path of the first page
 *  view, and that of the last one where it is another. */
export type TextColumnName =
  | ("event_type" | "path" | "hostname" | "title" | "language" | "source" | "referrer" | "channel")
  | ("utm_source" | "utm_medium" | "utm_campaign" | "utm_term" | "utm_content")
  | ("browser" | "os" | "device" | "country" | "region" | "props" | "currency")
  | ("entry" | "exit");

export type ColumnName = NumberColumn | IntegerColumn | TextColumnName;

const NUMBER_COLUMNS: ReadonlySet<string> = new Set<NumberColumn>(["time", "revenue", "start", "end"]);
const INTEGER_COLUMNS: ReadonlySet<string> = new Set<IntegerColumn>([
  ...(["visitor", "session", "bot", "number", "events", "pageviews", "moved"] as const),
]);

export function isNumberColumn(name: ColumnName): name is NumberColumn {
  return NUMBER_COLUMNS.has(name);
}

export function isIntegerColumn(name: ColumnName): name is IntegerColumn {
  return INTEGER_COLUMNS.has(name);
}

/** The columns by their names. */
export type Columns = ReadonlyMap<ColumnName, Buffer>;

export function pack(columns: Columns): Buffer {
  const directory = Buffer.from(JSON.stringify([...columns].map(([name, bytes]) => [name, bytes.length])));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(directory.length);
  return Buffer.concat([length, directory, ...columns.values()]);
}

export function unpack(packed: Buffer): Columns {
  const columns = new Map<ColumnName, Buffer>();
  let at = 4 + packed.readUInt32LE(0);
  const directory: [ColumnName, number][] = JSON.parse(packed.toString("utf8", 4, at));
  for (const [name, length] of directory) {
    columns.set(name, packed.subarray(at, at + length));
    at += length;
  }
  return columns;
}
