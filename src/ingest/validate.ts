// One validation for all protocols. What is not valid is said in words that name the field and fit an error answer.

import { formatTimestamp, MS_PER_DAY, parseTimestamp } from "./timestamp.ts";

/** Limits in bytes of UTF-8. */
export const MAX_SITE_ID_BYTES = 128;
export const MAX_EVENT_TYPE_BYTES = 64;
export const MAX_PATH_BYTES = 2048;
export const MAX_USER_ID_BYTES = 256;
export const MAX_EVENT_ID_BYTES = 128;
/** How far a sender's clock may be ahead, in ms. */
export const MAX_AHEAD_MS = MS_PER_DAY;

/** An event as a sender gave it; IngestEventRequest is one. An empty string counts as absent. */
export interface EventInput {
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  readonly timestamp?: string | undefined;
  readonly eventId: string;
}

/** An event that may be stored. */
export interface ValidEvent {
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  /** RFC 3339 in UTC with "Z" and 0, 3, 6 or 9 digits of fraction. */
  readonly timestamp: string;
  /** The sender's idempotency key; empty when there is none. */
  readonly eventId: string;
}

export type Validation =
  | { readonly ok: true; readonly event: ValidEvent }
  | { readonly ok: false; readonly reason: string };

/** Checks an event received at `receivedAtMs`, and gives it that time when it has none of its own. */
export function validateEvent(input: EventInput, receivedAtMs: number): Validation {
  if (input.siteId === "") return invalid("Missing required field: site_id");
  if (input.eventType === "") return invalid("Missing required field: event_type");
  const problem =
    textProblem("site_id", input.siteId, MAX_SITE_ID_BYTES) ??
    textProblem("event_type", input.eventType, MAX_EVENT_TYPE_BYTES) ??
    textProblem("path", input.path, MAX_PATH_BYTES) ??
    textProblem("user_id", input.userId, MAX_USER_ID_BYTES) ??
    textProblem("event_id", input.eventId, MAX_EVENT_ID_BYTES);
  if (problem !== undefined) return invalid(problem);
  const { siteId, eventType, path, userId, eventId } = input;
  if (input.timestamp === undefined || input.timestamp === "") {
    const timestamp = formatTimestamp(receivedAtMs);
    return { ok: true, event: { siteId, eventType, path, userId, timestamp, eventId } };
  }
  const timestamp = parseTimestamp(input.timestamp);
  if (!timestamp) {
    return invalid(
      "timestamp must be a time of RFC 3339 with at most 9 digits of fraction, such as 2025-11-12T19:30:01Z",
    );
  }
  if (timestamp.epochMs > receivedAtMs + MAX_AHEAD_MS) {
    return invalid("timestamp is more than 24 hours in the future");
  }
  return { ok: true, event: { siteId, eventType, path, userId, timestamp: timestamp.utc, eventId } };
}

/** What is wrong with a text field; undefined when nothing is. */
export function textProblem(field: string, text: string, maxBytes: number): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8, so a short text needs no counting.
  if (text.length * 3 > maxBytes) {
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) return `${field} is ${bytes} bytes long; at most ${maxBytes} are allowed`;
  }
  let hasSurrogates = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (isControl(unit)) return `${field} must not contain control characters`;
    hasSurrogates ||= unit >= 0xd800 && unit <= 0xdfff;
  }
  if (hasSurrogates && !text.isWellFormed()) return `${field} must not contain lone surrogates`;
  return undefined;
}

/** Unicode's category Cc. */
function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
}

function invalid(reason: string): Validation {
  return { ok: false, reason };
}
