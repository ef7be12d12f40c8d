// The time of a log line: "17/May/2015:10:05:03 +0200", of fixed length.

const LOG_TIME =
  /^(\d\d)\/([A-Z][a-z]{2})\/([1-9]\d{3}):([01]\d|2[0-3]):([0-5]\d):([0-5]\d) ([+-])([01]\d|2[0-3])([0-5]\d)$/;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** How long a logged time is, in characters. */
export const LOG_TIME_LENGTH = 26;

const RFC3339_LENGTH = "2015-05-17T08:05:03Z".length;

/** The same moment in RFC 3339, in UTC and to the second; undefined if `text` is no time that exists. */
export function parseLogTime(text: string): string | undefined {
  const match = LOG_TIME.exec(text);
  if (match === null) return undefined;
  const [, day, monthName = "", year, hour, minute, second, sign, zoneHours, zoneMinutes] = match;
  const month = MONTHS.indexOf(monthName);
  if (month < 0) return undefined;
  const local = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second));
  // Date takes 30 February for 2 March.
  if (new Date(local).getUTCDate() !== Number(day)) return undefined;
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  const utc = new Date(sign === "+" ? local - offset : local + offset).toISOString();
  const rfc3339 = `${utc.slice(0, -".000Z".length)}Z`;
  // The first hours of the year 10000 in UTC have no four-digit year.
  return rfc3339.length === RFC3339_LENGTH ? rfc3339 : undefined;
}
