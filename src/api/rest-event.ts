// The JSON body of POST /event. Unknown fields are ignored, so that existing senders keep working; of duplicate keys
// the last wins; null counts as absent. A byte order mark before the JSON is skipped.

import type { EventInput } from "../ingest/validate.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The event in `body`, or what is wrong with it. */
export function parseEventJson(body: Uint8Array): EventInput | string {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(body));
  } catch {
    // Neither decoder nor parser says more than that.
    return "Invalid JSON";
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return "Invalid JSON";
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(json));
  const problems: string[] = [];
  const text = (name: string): string => {
    const value = fields.get(name) ?? "";
    if (typeof value === "string") return value;
    problems.push(`${name} must be a string`);
    return "";
  };
  const event = {
    siteId: text("site_id"),
    eventType: text("event_type"),
    path: text("path"),
    userId: text("user_id"),
    timestamp: text("timestamp"),
    eventId: text("event_id"),
  };
  return problems[0] ?? event;
}
