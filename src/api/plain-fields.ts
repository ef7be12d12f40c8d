// The header fields of a plain request over HTTP/2, with nothing in them that changes how its stream goes on (RFC 9113,
// 8.2 and 8.3). What is not plain is not judged here: `undefined` leaves it to node:http2. So what is taken is narrower
// than what node:http2 takes, and never wider.

import type { IncomingHttpHeaders } from "node:http";
import type { HeaderField } from "../http2/hpack.ts";
import { NOT_PLAIN } from "./plain-head.ts";

export interface PlainFields {
  readonly path: string;
  /** By their names, none of which comes twice; the authority is in `host`. */
  readonly headers: IncomingHttpHeaders;
  /** The bytes of the body, where the client says how many they are. */
  readonly bodyLength: number | undefined;
}

const PSEUDO: ReadonlySet<string> = new Set([":method", ":scheme", ":authority", ":path"]);
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** Neither begins nor ends with a space. */
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;
/** What both are made of, as node:http2 has it: no more than RFC 3986 does, but for the bytes of a path. */
const AUTHORITY = /^[\w.~!$%&'()*+,;=:[\]-]+$/;
const PATH = /^\/[!-~\x80-\xff]*$/;
/** Of a head, as node:http2 has it. */
const MAX_FIELDS = 128;
const LENGTH = /^\d{1,7}$/;
/** `host` is said by the authority, and `set-cookie` is a list for node:http2. */
const NOT_PLAIN_EITHER: ReadonlySet<string> = new Set(["connection", "host", "keep-alive", "set-cookie"]);

/** The plain request that these fields, in the order in which they came, are the head of. */
export function plainFieldsOf(fields: readonly HeaderField[]): PlainFields | undefined {
  const pseudo: Record<string, string> = Object.create(null);
  const headers: Record<string, string> = Object.create(null);
  let pseudoCount = 0;
  if (fields.length > MAX_FIELDS) return undefined;
  for (const { name, value } of fields) {
    const isPseudo = PSEUDO.has(name);
    if (isPseudo) pseudoCount += 1;
    const those = isPseudo ? pseudo : headers;
    const isKnown = isPseudo || (NAME.test(name) && !NOT_PLAIN.has(name) && !NOT_PLAIN_EITHER.has(name));
    if (!isKnown || those[name] !== undefined || !VALUE.test(value)) return undefined;
    those[name] = value;
  }
  const { ":method": method, ":scheme": scheme, ":authority": host = "", ":path": path = "" } = pseudo;
  if (method !== "POST" || (scheme !== "http" && scheme !== "https")) return undefined;
  if (!AUTHORITY.test(host) || !PATH.test(path)) return undefined;
  // Those of the request come first.
  if (!fields.slice(0, pseudoCount).every(({ name }) => PSEUDO.has(name))) return undefined;
  const { te = "trailers", "content-length": length } = headers;
  if (te !== "trailers" || (length !== undefined && !LENGTH.test(length))) return undefined;
  headers.host = host;
  return { path, headers, bodyLength: length === undefined ? undefined : Number(length) };
}
