// A process: the projector folds a log into a new read model. Arguments: the data directory, and where the log ends.

import { join } from "node:path";
import { pino } from "pino";
import { nodeLogFiles } from "../src/log/files.ts";
import { Projector } from "../src/projector/projector.ts";
import { ReadModelReader } from "../src/readmodel/reader.ts";
import { type Cost, runOnce, startCost } from "./one-shot.ts";

/** As the server has it by default, in ms. */
const DEDUPE_WINDOW_MS = 7 * 86_400_000;
/** How often it is asked whether it is done. */
const POLL_MS = 10;

await runOnce(async (dataDirectory, end): Promise<Cost> => {
  const files = await nodeLogFiles(join(dataDirectory, "log"));
  const settings = { dedupeWindowMs: DEDUPE_WINDOW_MS };
  const projector = new Projector({ dataDirectory, files, settings, logger: pino({ level: "silent" }) });
  const reader = new ReadModelReader(dataDirectory);
  const stop = new AbortController();
  const cost = startCost();
  let found = cost();
  const timer = setInterval(() => {
    if ((reader.checkpoint()?.nextOffset ?? 0) < Number(end)) return;
    found = cost();
    stop.abort();
  }, POLL_MS);
  try {
    await projector.run(stop.signal);
  } finally {
    clearInterval(timer);
    reader.close();
  }
  return found;
});
