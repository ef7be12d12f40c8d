// The head of a plain request over HTTP/1.1: all of it in one piece, with nothing in it that changes how the request is to
// be read or how its connection goes on (RFC 9112). What is not plain is not judged here: `undefined` leaves it to
// node:http, which finds it untouched. So what is taken is narrower than what node:http takes, and never wider; that is
// what keeps the two from ever disagreeing about where a request ends. plain-head.test.ts holds both to the same.

import type { IncomingHttpHeaders } from "node:http";

export interface PlainHead {
  readonly path: string;
  /** By their names in lower case, none of which comes twice. */
  readonly headers: IncomingHttpHeaders;
  /** The bytes of the head, the empty line at its end included. */
  readonly length: number;
  /** The bytes of the body. */
  readonly bodyLength: number;
  /** Where the value of Content-Length begins. */
  readonly bodyLengthAt: number;
}

const REQUEST_LINE = /POST (\/[\w./]*) HTTP\/1\.1\r\n/y;
/** A value begins with what is no space, so that there is one way to match it. */
const FIELD = /([\w!#$%&'*+.^`|~-]+):[\t ]*([!-~\x80-\xff][\t -~\x80-\xff]*)?\r\n/y;
const LINE_END_BYTES = 2;
/** The length of a body that has something in it. */
const LENGTH = /^[1-9]\d{0,4}$/;
/** They say how a body is framed, or what becomes of the connection. */
export const NOT_PLAIN: ReadonlySet<string> = new Set([
  "expect",
  "http2-settings",
  "proxy-connection",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The plain head that `text`, a character for each byte, begins with. */
export function plainHeadOf(text: string): PlainHead | undefined {
  const line = matchAt(REQUEST_LINE, text, 0);
  if (!line) return undefined;
  const headers: Record<string, string> = Object.create(null);
  let at = line[0].length;
  let bodyLengthAt = 0;
  for (let field = matchAt(FIELD, text, at); field; field = matchAt(FIELD, text, at)) {
    const [all, nameAsSent, value = ""] = field;
    const name = nameAsSent.toLowerCase();
    if (headers[name] !== undefined || NOT_PLAIN.has(name)) return undefined;
    headers[name] = withoutEndingSpace(value);
    at += all.length;
    if (name === "content-length") bodyLengthAt = at - value.length - LINE_END_BYTES;
  }
  const { connection = "keep-alive", "content-length": bodyLength = "" } = headers;
  const isPlain = connection.toLowerCase() === "keep-alive" && LENGTH.test(bodyLength);
  if (!isPlain || !text.startsWith("\r\n", at)) return undefined;
  return {
    path: line[1],
    headers,
    length: at + LINE_END_BYTES,
    bodyLength: Number(bodyLength),
    bodyLengthAt,
  };
}

function withoutEndingSpace(text: string): string {
  let end = text.length;
  while (text[end - 1] === " " || text[end - 1] === "\t") end -= 1;
  return text.slice(0, end);
}

/** What a sticky pattern matches in `text` at `at`, with as many groups as ours have. */
function matchAt(pattern: RegExp, text: string, at: number): Match | null {
  pattern.lastIndex = at;
  return pattern.exec(text) as Match | null;
}

type Match = readonly [all: string, first: string, second?: string];
