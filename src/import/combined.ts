// A line in the "combined" format of Apache and nginx:
//
//   %h %l %u [%t] "%r" %>s %b "%{Referer}i" "%{User-agent}i"
//   192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a?b HTTP/1.1" 200 1234 "-" "Mozilla/5.0"
//
// In a quoted field a quote is written \" or \x22. Further fields may follow, each after a space, as in nginx's
// "main" format. Exactly three fields stand before the time: a line that begins with a virtual host is not taken,
// as its visitor would be the virtual host.
//
// No line without further fields is the beginning of another one, so that a line cut off anywhere is seen to be.
// Reading takes time linear in the line's length, whatever it holds.

import { LOG_TIME_LENGTH } from "./log-time.ts";

/** The fields of a line that an import needs, as they are logged. */
export interface CombinedLine {
  /** The client's address or host name; "-" when it is not known. */
  readonly address: string;
  /** As parseLogTime reads it; not yet checked. */
  readonly time: string;
  /** The request line, escaped. */
  readonly request: string;
  readonly status: number;
  /** Escaped; "-" when the client sent none. */
  readonly referrer: string;
  /** Escaped; "-" when the client sent none. */
  readonly userAgent: string;
  /** Fields follow that are not of the combined format. */
  readonly furtherFields: boolean;
}

const CLIENT = /^([\w.:%-]+) [^ ]+ [^ ]+ $/;
const STATUS_AND_SIZE = /^ (\d{3}) (?:\d+|-) $/;

const QUOTE = '"';
const BACKSLASH = 0x5c;

/** Reads `line`; undefined if it is not in the combined format. */
export function parseCombined(line: string): CombinedLine | undefined {
  // A quote within the user name is escaped, so this is the end of the time and nothing before it.
  const timeEnd = line.indexOf('] "');
  const timeStart = timeEnd - LOG_TIME_LENGTH;
  if (timeStart < 1 || line[timeStart - 1] !== "[") return undefined;
  const client = CLIENT.exec(line.slice(0, timeStart - 1));
  if (client === null) return undefined;

  const requestStart = timeEnd + '] "'.length;
  const requestEnd = closingQuote(line, requestStart);
  if (requestEnd < 0) return undefined;
  const referrerStart = line.indexOf(QUOTE, requestEnd + 1) + 1;
  if (referrerStart === 0) return undefined;
  const status = STATUS_AND_SIZE.exec(line.slice(requestEnd + 1, referrerStart - 1));
  if (status === null) return undefined;

  const referrerEnd = closingQuote(line, referrerStart);
  if (referrerEnd < 0 || !line.startsWith(' "', referrerEnd + 1)) return undefined;
  const userAgentStart = referrerEnd + '" "'.length;
  const userAgentEnd = closingQuote(line, userAgentStart);
  if (userAgentEnd < 0) return undefined;
  const furtherFields = userAgentEnd + 1 < line.length;
  if (furtherFields && line[userAgentEnd + 1] !== " ") return undefined;

  return {
    address: client[1] ?? "",
    time: line.slice(timeStart, timeEnd),
    request: line.slice(requestStart, requestEnd),
    status: Number(status[1]),
    referrer: line.slice(referrerStart, referrerEnd),
    userAgent: line.slice(userAgentStart, userAgentEnd),
    furtherFields,
  };
}

/** The place of the first quote from `from` on that is not escaped; -1 if there is none. */
function closingQuote(line: string, from: number): number {
  let quote = line.indexOf(QUOTE, from);
  while (quote >= 0) {
    let backslashes = 0;
    while (quote - backslashes > from && line.charCodeAt(quote - backslashes - 1) === BACKSLASH)
      backslashes++;
    if (backslashes % 2 === 0) return quote;
    quote = line.indexOf(QUOTE, quote + 1);
  }
  return -1;
}
