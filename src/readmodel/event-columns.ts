// Puts events into chunks.

import type { TextColumnName } from "../columns/chunk.ts";
import type { ChunkBuilder } from "../columns/chunk-builder.ts";
import type { LoggedEvent } from "../projector/event-decoder.ts";
import type { EventDetails } from "../projector/event-details.ts";
import type { Belonging } from "./sessions.ts";

const DETAILS = [
  ["hostname", "hostname"],
  ["title", "title"],
  ["language", "language"],
  ["source", "source"],
  ["referrer", "referrer"],
  ["channel", "channel"],
  ["utm_source", "utmSource"],
  ["utm_medium", "utmMedium"],
  ["utm_campaign", "utmCampaign"],
  ["utm_term", "utmTerm"],
  ["utm_content", "utmContent"],
  ["browser", "browser"],
  ["os", "os"],
  ["device", "device"],
  ["country", "country"],
  ["region", "region"],
  ["props", "props"],
  ["currency", "currency"],
] as const satisfies readonly (readonly [TextColumnName, keyof EventDetails])[];

export function addEvent(builder: ChunkBuilder, event: LoggedEvent, { visitor, session }: Belonging): void {
  const row = builder.addRow();
  builder.setNumber("time", row, event.timeMs);
  builder.setInteger("visitor", row, visitor);
  builder.setInteger("session", row, session);
  builder.setText("event_type", row, event.eventType);
  builder.setText("path", row, event.path);
  const { more } = event;
  if (!more) return;
  for (const [column, key] of DETAILS) builder.setText(column, row, more[key]);
  builder.setNumber("revenue", row, more.revenueMicros);
  builder.setInteger("bot", row, more.isBot ? 1 : 0);
}
