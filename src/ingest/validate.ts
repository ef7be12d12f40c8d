// One validation for all protocols. What is not valid is said in words that name the field and fit an error answer.

import { checkDetails, type Details, type DetailsInput } from "./details.ts";
import { textProblem } from "./text.ts";
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
export interface EventInput extends DetailsInput {
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
  /** What it has beside these; absent when that is nothing. */
  readonly details?: Details;
}

export type Validation =
  | { readonly ok: true; readonly event: ValidEvent }
  | { readonly ok: false; readonly reason: string };

/**
 * Checks an event received at `receivedAtMs`, and gives it that time when it has none of its own. Whether it may state
 * the address and the user agent of somebody else, `isLocal` says.
 */
export function validateEvent(input: EventInput, receivedAtMs: number, isLocal = false): Validation {
  if (input.siteId === "") return invalid("Missing required field: site_id");
  if (input.eventType === "") return invalid("Missing required field: event_type");
  const problem =
    textProblem("site_id", input.siteId, MAX_SITE_ID_BYTES) ??
    textProblem("event_type", input.eventType, MAX_EVENT_TYPE_BYTES) ??
    textProblem("path", input.path, MAX_PATH_BYTES) ??
    textProblem("user_id", input.userId, MAX_USER_ID_BYTES) ??
    textProblem("event_id", input.eventId, MAX_EVENT_ID_BYTES);
  if (problem !== undefined) return invalid(problem);
  const time = timeOf(input.timestamp, receivedAtMs);
  if (!time.ok) return time;
  const details = checkDetails(input, isLocal);
  if (typeof details === "string") return invalid(details);
  const { siteId, eventType, path, userId, eventId } = input;
  const event = { siteId, eventType, path, userId, timestamp: time.utc, eventId };
  return { ok: true, event: details ? { ...event, details } : event };
}

type Time = { readonly ok: true; readonly utc: string } | { readonly ok: false; readonly reason: string };

/** When an event happened, in the canonical form. */
function timeOf(text: string | undefined, receivedAtMs: number): Time {
  if (text === undefined || text === "") return { ok: true, utc: formatTimestamp(receivedAtMs) };
  const timestamp = parseTimestamp(text);
  if (!timestamp) {
    return invalid(
      "timestamp must be a time of RFC 3339 with at most 9 digits of fraction, such as 2025-11-12T19:30:01Z",
    );
  }
  if (timestamp.epochMs > receivedAtMs + MAX_AHEAD_MS) {
    return invalid("timestamp is more than 24 hours in the future");
  }
  return { ok: true, utc: timestamp.utc };
}

function invalid(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
