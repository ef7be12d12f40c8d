// Makes the log that is folded, by the log's own writer. It takes memory for one frame at a time.

import { join } from "node:path";
import { nodeLogFiles } from "../src/log/files.ts";
import { RecordEncoder } from "../src/log/records.ts";
import { openLog } from "../src/log/writer.ts";
import { Events, type Mix, receivedAtMs } from "./fold-mix.ts";
import { Tally } from "./fold-tally.ts";

/** As many as the largest request has. */
const FRAME_EVENTS = 10_000;

/** Makes a log in `dataDirectory`; what its read model is to say. */
export async function makeFoldLog(dataDirectory: string, mix: Mix, signal: AbortSignal): Promise<Tally> {
  const events = new Events(mix);
  const tally = new Tally(events);
  const encoder = new RecordEncoder();
  const { log } = await openLog(await nodeLogFiles(join(dataDirectory, "log")));
  try {
    for (let at = 0; at < mix.events; at += FRAME_EVENTS) {
      signal.throwIfAborted();
      const count = Math.min(FRAME_EVENTS, mix.events - at);
      const visits = Array.from({ length: count }, (_, index) => events.visit(at + index));
      const group = encoder.encode(visits.map((visit, index) => events.recorded(at + index, visit)));
      await log.append({ groups: [group], receivedAtMs: receivedAtMs(at + count - 1) });
      for (const [index, visit] of visits.entries()) {
        if (!events.isResent(at + index)) tally.add(visit);
      }
    }
  } finally {
    await log.close();
  }
  return tally;
}
