// The quoted fields of a log line, as the client sent them: so that a text is the same whichever server logged it.

import { headOf, withoutControls } from "../enrich/text.ts";
import { detached } from "./memo.ts";

/** What the server takes of a referrer or a URL. */
export const MAX_URL_BYTES = 8_192;

/** What the server looks at of a user agent. */
const MAX_USER_AGENT_BYTES = 1_024;

/** What a log has for a header that the client did not send. */
const NONE = "-";

/** A character that the log wrote escaped: \" and \\, \x41, and C's short forms of control characters. */
const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|(.))/gs;
const SHORT_FORMS: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
]);
const CONTROL_CHARACTER = /\p{Cc}/u;

/** What was logged as `text`; undefined when that is no valid UTF-8, or has a backslash that escapes nothing. */
export function unescaped(text: string): string | undefined {
  if (!text.includes("\\")) return text;
  const bytes: Buffer[] = [];
  let from = 0;
  for (const match of text.matchAll(ESCAPE)) {
    const [whole, hex, character = ""] = match;
    const meant = hex === undefined ? SHORT_FORMS.get(character) : Buffer.from(hex, "hex");
    if (meant === undefined) return undefined;
    bytes.push(Buffer.from(text.slice(from, match.index)), Buffer.from(meant));
    from = match.index + whole.length;
  }
  bytes.push(Buffer.from(text.slice(from)));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch {
    return undefined;
  }
}

/** Whether `text` has control characters, which no field of an event may have. */
export function hasControls(text: string): boolean {
  return CONTROL_CHARACTER.test(text);
}

/** The referrer that was logged as `text`; empty when there is none, or none that the server takes. */
export function referrerOf(text: string): string {
  const referrer = unescaped(text) ?? text;
  if (referrer === NONE || hasControls(referrer) || Buffer.byteLength(referrer) > MAX_URL_BYTES) return "";
  return detached(referrer);
}

/**
 * The user agent that was logged as `text`, as far as the server looks at it, without control characters. It is "-"
 * when the client sent none, which the server takes for a bot's.
 */
export function userAgentOf(text: string): string {
  return detached(headOf(withoutControls(unescaped(text) ?? text), MAX_USER_AGENT_BYTES));
}
