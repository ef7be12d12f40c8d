// The tables of analytics.db. They are a pure fold of a prefix of the log: deleting the file loses nothing.
//
// A site is a small number in the aggregates (`sites` numbers them in log order). `day` is the number of days since
// 1970-01-01 of the event's own timestamp; the row with ALL_TIME stands for all of them together, so that a question
// about all time costs what one about a day does.

/** Counts up with every change of the tables or of the fold: a new one is built from the log beside the old. */
export const PROJECTION_VERSION = 4;

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
  site_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE site_days (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  views INTEGER NOT NULL,
  users INTEGER NOT NULL,          -- distinct user ids: the rows of site_day_users
  PRIMARY KEY (site, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_day_users (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  PRIMARY KEY (site, day, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE site_day_paths (
  site INTEGER NOT NULL,
  day INTEGER NOT NULL,
  path TEXT NOT NULL,
  views INTEGER NOT NULL,
  PRIMARY KEY (site, day, path)
) STRICT, WITHOUT ROWID;
-- Without the many paths that were seen once: where they are asked for, they follow the ranked ones by their primary key.
CREATE INDEX site_day_paths_ranked ON site_day_paths (site, day, views DESC, path) WHERE views > 1;

-- The client's event ids that were counted within the dedupe window.
CREATE TABLE dedupe (
  site INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  received_at_ms INTEGER NOT NULL,
  PRIMARY KEY (site, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedupe_by_age ON dedupe (received_at_ms);

-- Events that could not be folded, and so are in no number.
CREATE TABLE dead_letters (
  offset INTEGER PRIMARY KEY,
  error TEXT NOT NULL,
  version INTEGER NOT NULL         -- the PROJECTION_VERSION that could not
) STRICT;
`;
