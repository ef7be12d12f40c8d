// The values that random events have and that random questions ask for: the same few, so that questions find something.

export const SITES = ["site", 'Site\'s "other"'] as const;
export const USERS = ["ada", "bob", "11111111111111111111111111111111", "hash ada"] as const;
/** Visitors without a user id, by the byte that their hash is made of. The first has one like the text of a user id. */
export const HASH_BYTES = [0x11, 0x22, 0x33] as const;
export const CURRENCIES = ["EUR", "USD"] as const;
export const EVENT_TYPES = ["page_view", "signup", "Page_View", "pageview"] as const;
export const PATHS = [
  "/",
  "/blog",
  "/blog/1",
  "/Blog",
  "/blog/ä",
  "/😀",
  "/\uffee",
  "/100%_off?",
  "",
] as const;
export const PROP_KEYS = ["plan", "it's", 'a"b', "line\nbreak", "'); DROP TABLE events; --", "ключ", "a.b"];
export const TEXTS = [
  "",
  "pro",
  "Pro",
  "it's",
  'say "x"',
  "two\nlines",
  "%",
  "_",
  "ß",
  "😀",
  "\uffee",
] as const;
export const PARTS = ["", "o", "/b", "log", "'", "ä", "\n", "%", "x\\y"] as const;
/** What RE2 and JavaScript would take differently is left to the tests of the operator. */
export const PATTERNS = [
  "^/blog",
  "g$",
  "(?i)BLOG",
  "^$",
  "\\d",
  ".",
  "[^a-z]+",
  "a|o",
  "\\.",
  "\\bpro\\b",
  "\\pL",
];

/** A zone and a time around which its clocks are changed, or the zone is a peculiar one. */
export interface Moment {
  readonly timeZone: string;
  readonly ms: number;
}

export const MOMENTS: readonly Moment[] = [
  { timeZone: "Europe/Berlin", ms: Date.parse("2025-03-30T01:00:00Z") },
  { timeZone: "Europe/Berlin", ms: Date.parse("2025-10-26T01:00:00Z") },
  { timeZone: "America/New_York", ms: Date.parse("2025-03-09T07:00:00Z") },
  { timeZone: "America/New_York", ms: Date.parse("2024-11-03T06:00:00Z") },
  { timeZone: "Australia/Lord_Howe", ms: Date.parse("2025-04-05T15:00:00Z") },
  { timeZone: "Australia/Lord_Howe", ms: Date.parse("2025-10-04T15:30:00Z") },
  { timeZone: "Asia/Kathmandu", ms: Date.parse("2024-02-29T18:15:00Z") },
  { timeZone: "Asia/Kolkata", ms: Date.parse("2023-12-31T18:30:00Z") },
  // The whole 30 December was left out.
  { timeZone: "Pacific/Apia", ms: Date.parse("2011-12-30T10:00:00Z") },
  { timeZone: "UTC", ms: Date.parse("2025-06-30T00:00:00Z") },
];

export const ZONES: readonly string[] = [...new Set(MOMENTS.map(({ timeZone }) => timeZone))];
