// Makes lines of the combined format for tests.

export interface LineFields {
  readonly address?: string;
  readonly user?: string;
  readonly time?: string;
  readonly request?: string;
  readonly status?: number;
  readonly referrer?: string;
  readonly userAgent?: string;
  readonly rest?: string;
}

export const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
export const BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

/** A line without its line ending. */
export function combinedLine(fields: LineFields = {}): string {
  const { address = "192.0.2.1", user = "-", time = "17/May/2015:10:05:03 +0000" } = fields;
  const { request = "GET /a HTTP/1.1", status = 200, referrer = "-", userAgent = BROWSER } = fields;
  return `${address} - ${user} [${time}] "${request}" ${status} 1234 "${referrer}" "${userAgent}"${fields.rest ?? ""}`;
}

/** The line of a page view of `path`. */
export function view(path: string, fields: LineFields = {}): string {
  return combinedLine({ ...fields, request: `GET ${path} HTTP/1.1` });
}

/** A file of `lines`, each with its line ending. */
export function fileOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
