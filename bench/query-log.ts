// Makes a log of events as the server records them, with what enrichment finds, by the log's own writer. It takes memory for one
// frame at a time.

import { nodeLogFiles } from "../src/log/files.ts";
import { RecordEncoder, type RecordedEvent } from "../src/log/records.ts";
import { openLog } from "../src/log/writer.ts";
import { VIEW } from "../src/projector/page-view.ts";
import { queryEvents } from "./query-events.ts";

/** As many as the largest request has. */
const FRAME_EVENTS = 10_000;

export interface QueryLog {
  readonly events: number;
  /** By site, the page views that are no bot's. */
  readonly views: ReadonlyMap<string, number>;
}

/** Makes a log of about `events` events in `directory`. */
export async function makeQueryLog(
  directory: string,
  events: number,
  signal: AbortSignal,
): Promise<QueryLog> {
  const views = new Map<string, number>();
  const encoder = new RecordEncoder();
  const { log } = await openLog(await nodeLogFiles(directory));
  const append = async (frame: readonly RecordedEvent[]) => {
    const receivedAtMs = Number(frame.at(-1)?.receivedAtMs ?? 0n);
    await log.append({ groups: [encoder.encode(frame)], receivedAtMs });
  };
  let frame: RecordedEvent[] = [];
  try {
    for (const event of queryEvents(events)) {
      frame.push(event);
      if (event.eventType === VIEW && !event.bot) {
        views.set(event.siteId, (views.get(event.siteId) ?? 0) + 1);
      }
      if (frame.length < FRAME_EVENTS) continue;
      signal.throwIfAborted();
      await append(frame);
      frame = [];
    }
    if (frame.length > 0) await append(frame);
  } finally {
    await log.close();
  }
  return { events: log.end, views };
}
