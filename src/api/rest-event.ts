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
  const event: Event = { siteId: "", eventType: "", path: "", userId: "", timestamp: "", eventId: "" };
  let wrong: string | undefined;
  for (const [name, value] of Object.entries(json)) {
    const field = FIELDS.get(name);
    if (field === undefined || value === null) continue;
    if (typeof value === "string") event[field] = value;
    else wrong ??= name;
  }
  return wrong === undefined ? event : `${wrong} must be a string`;
}

type Event = Record<"siteId" | "eventType" | "path" | "userId" | "timestamp" | "eventId", string>;

const FIELDS: ReadonlyMap<string, keyof Event> = new Map([
  ["site_id", "siteId"],
  ["event_type", "eventType"],
  ["path", "path"],
  ["user_id", "userId"],
  ["timestamp", "timestamp"],
  ["event_id", "eventId"],
]);
