// The tables of analytics.db. They are a fold of a prefix of the log: deleting the file loses nothing.
//
// A site is a small number in the aggregates (`sites` numbers them in log order). `day` is the number of days since
// 1970-01-01 of the event's own timestamp; the row with ALL_TIME stands for all of them together, so that a question
// about all time costs what one about a day does.

/** Counts up with every change of the tables or of the fold: a new one is built from the log beside the old. */
export const PROJECTION_VERSION = 14;

/** The `day` that stands for all time; below the first day that a timestamp can have (0000-01-01 is -719,528). */
export const ALL_TIME = -1_000_000;

export const SCHEMA = `
CREATE TABLE projection (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  identity TEXT NOT NULL,          -- version and settings that the numbers depend on
  log_id TEXT NOT NULL,            -- '' until the first batch
  first_offset INTEGER NOT NULL,   -- of the first record that is folded: 0 but when the loss of those before was accepted
  position INTEGER NOT NULL,       -- offset of the next record to fold
  segment INTEGER NOT NULL,        -- where in the log the last folded frame is
  frame_position INTEGER NOT NULL,
  frame_crc INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- offset + 1
  site_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  path TEXT,
  user_id TEXT,
  timestamp TEXT
) STRICT;

CREATE TABLE sites (
  id INTEGER PRIMARY KEY,
  site_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL DEFAULT '',
  time_zone TEXT NOT NULL DEFAULT '',     -- '' is UTC
  visitors INTEGER NOT NULL DEFAULT 0,    -- how many numbers were given to visitors, from 1 on
  sessions INTEGER NOT NULL DEFAULT 0,    -- and to sessions
  latest_ms REAL                          -- when the session that ends last ends; NULL while there is none
) STRICT;

CREATE TABLE goals (
  site INTEGER NOT NULL,
  name TEXT NOT NULL,
  filter TEXT NOT NULL,            -- a Filter (proto/analytics/v1/query.proto) as JSON
  PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_days (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  views INTEGER NOT NULL,
  users INTEGER NOT NULL,          -- distinct user ids of events that are not a bot's
  PRIMARY KEY (site, day)
) STRICT, WITHOUT ROWID;

-- The views of the paths of a day that has few of them (few-paths.ts): a list, and what was added to it since.
CREATE TABLE few_paths (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  run INTEGER NOT NULL,            -- 0 is the list
  bytes INTEGER NOT NULL,          -- how long the texts are, and how many paths they have; in the key, as they are looked up alone
  size INTEGER NOT NULL,
  paths TEXT NOT NULL,             -- each once, and the views of each: JSON arrays
  views TEXT NOT NULL,
  PRIMARY KEY (site, day, run, bytes, size)
) STRICT;

-- Of a day with many paths the most viewed ones (path-counts.ts).
CREATE TABLE site_day_paths (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  path TEXT NOT NULL,
  views INTEGER NOT NULL,
  PRIMARY KEY (site, day, path)
) STRICT, WITHOUT ROWID;

-- The days with many paths. Those with more views than the floor are in site_day_paths, and of those with as many the ones up to
-- the floor's path.
CREATE TABLE many_paths (
  id INTEGER PRIMARY KEY,
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  paths INTEGER NOT NULL,
  pages INTEGER NOT NULL,          -- a power of two
  runs INTEGER NOT NULL,           -- how many were made; and of these the last ones that are not in the pages yet
  waiting INTEGER NOT NULL,
  floor_views INTEGER NOT NULL,
  floor_path TEXT NOT NULL,
  UNIQUE (site, day)
) STRICT;

-- The views of all their paths, by hash (count-lists.ts): pages, and what is to be added to them.
CREATE TABLE path_pages (
  id INTEGER PRIMARY KEY,          -- that of the day times 2^24, and the page's place
  counts BLOB NOT NULL
) STRICT;
CREATE TABLE path_runs (
  id INTEGER PRIMARY KEY,          -- that of the day times 2^24, and the run's number
  counts BLOB NOT NULL
) STRICT;

-- The visitors of a site by who they are: a user id is a text, a hash made at ingest a blob.
CREATE TABLE visitors (
  site INTEGER NOT NULL,
  visitor ANY NOT NULL,
  number INTEGER NOT NULL,
  is_user INTEGER NOT NULL,        -- 1 for a user id once an event of it was not a bot's
  PRIMARY KEY (site, visitor)
) STRICT, WITHOUT ROWID;

-- A session has a row for each period (session-periods.ts) from its first event to its last; that of the last one alone says
-- what it is, the others have NULL. By period first: events come about in order of time, so that few pages change at a time.
-- Times are in ms since 1970. A stream is whose events these are: twice the visitor's number, and one more when a bot made
-- them. Entry and exit are of page views, and without meaning where there are none; an exit that is the entry is NULL. Of a
-- session that is one page view, as most are, end_ms and all behind it are NULL, but for the entry's path.
CREATE TABLE sessions (
  site INTEGER NOT NULL,
  period INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  number INTEGER NOT NULL,
  start_ms INTEGER,
  end_ms INTEGER,
  events INTEGER,
  pageviews INTEGER,
  entry_ms INTEGER,
  entry_path TEXT,
  exit_ms INTEGER,
  exit_path TEXT,
  PRIMARY KEY (site, period, stream, number)
) STRICT, WITHOUT ROWID;

-- Sessions that late events joined to another one: events of gone belong to session, or to what that became part of.
CREATE TABLE session_aliases (
  site INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  session INTEGER NOT NULL,
  PRIMARY KEY (site, gone)
) STRICT, WITHOUT ROWID;

-- The events that count and the sessions, as chunks of columns (src/columns/), each of one site: small ones in one piece,
-- which are put together as they become many; large ones with a row in chunk_columns for each column. A chunk never
-- changes, and its id is never given again. A session has a row for each batch that changed it: the last one, by chunk
-- and by row, is what it is.
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,              -- event or session
  site INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  low REAL NOT NULL,               -- of events the earliest and the latest time, in ms since 1970; of sessions the lowest
  high REAL NOT NULL,              -- and the highest number
  events INTEGER,                  -- of a large one of events, without bots (src/columns/summary.ts)
  pageviews INTEGER,
  packed BLOB                      -- NULL when the columns are in chunk_columns
) STRICT;
CREATE INDEX chunks_of_site ON chunks (kind, site, id);
CREATE INDEX chunks_packed ON chunks (kind, site, id) WHERE packed IS NOT NULL;

CREATE TABLE chunk_columns (
  chunk INTEGER NOT NULL,
  name TEXT NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (chunk, name)
) STRICT;

-- The senders' event ids that counted within the dedupe window, by hash (id-runs.ts): runs, and their pages.
CREATE TABLE id_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pages INTEGER NOT NULL,          -- a power of two
  ids INTEGER NOT NULL,
  latest_ms REAL NOT NULL,         -- when the last one of them was received, in ms since 1970
  filter BLOB NOT NULL             -- which tells of most other ids that they are none of these (id-filter.ts)
) STRICT;
CREATE TABLE id_pages (
  id INTEGER PRIMARY KEY,          -- that of the run times 2^16, and the page's place
  entries BLOB NOT NULL            -- id-entries.ts
) STRICT;

-- Of the hashes of paths and of ids.
CREATE TABLE hash_key (
  key BLOB NOT NULL
) STRICT;
INSERT INTO hash_key VALUES (randomblob(32));

-- Events that could not be folded, and so are in no number.
CREATE TABLE dead_letters (
  offset INTEGER PRIMARY KEY,
  error TEXT NOT NULL,
  version INTEGER NOT NULL         -- the PROJECTION_VERSION that could not
) STRICT;
`;
