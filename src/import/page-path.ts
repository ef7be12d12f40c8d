// The path of the page that a request asked for.

const PROTOCOL = / HTTP\/\d(?:\.\d)?$/;
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;
const QUERY_OR_FRAGMENT = /[?#]/;

/** A character that the log wrote escaped: \" and \\, \x41, and C's short forms of control characters. */
const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|(.))/gs;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * The path of a logged GET request line, without scheme, host, query and fragment; undefined if the line is no GET
 * request. Percent-encoding stays as the client sent it.
 */
export function pagePath(request: string): string | undefined {
  if (!request.startsWith("GET ")) return undefined;
  // HTTP/0.9 has no protocol behind the target.
  const protocol = PROTOCOL.exec(request);
  const target = request.slice("GET ".length, protocol?.index ?? request.length);
  if (target === "") return undefined;
  const relative = target.startsWith("/") ? target : target.replace(SCHEME_AND_HOST, "");
  const end = relative.search(QUERY_OR_FRAGMENT);
  const path = end < 0 ? relative : relative.slice(0, end);
  if (path === "") return "/";
  return path.includes("\\") ? unescaped(path) : path;
}

/**
 * The path as the client sent it, so that it is the same whichever server logged it. What is then no valid UTF-8 or
 * has control characters could not be stored, and stays as it was logged.
 */
function unescaped(path: string): string {
  const bytes: Buffer[] = [];
  let from = 0;
  for (const match of path.matchAll(ESCAPE)) {
    const [whole, hex, character] = match;
    // C's short forms are control characters, all of them.
    if (hex === undefined && character !== '"' && character !== "\\") return path;
    bytes.push(Buffer.from(path.slice(from, match.index)));
    bytes.push(hex === undefined ? Buffer.from(character ?? "") : Buffer.from(hex, "hex"));
    from = match.index + whole.length;
  }
  bytes.push(Buffer.from(path.slice(from)));
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
    return CONTROL_CHARACTER.test(text) ? path : text;
  } catch {
    return path;
  }
}
