// The projector process: its composition root.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { nodeLogFiles } from "../log/files.ts";
import { waitForLock } from "../log/lock.ts";
import { runChild } from "../supervisor/child.ts";
import { runProjector } from "./projector.ts";

runChild("projector", async ({ config, logger, ready, drain }) => {
  mkdirSync(config.data, { recursive: true });
  const lock = await waitForLock(join(config.data, "projector.lock"), "projecting this log");
  const files = await nodeLogFiles(join(config.data, "log"));
  const settings = { dedupeWindowMs: config.dedupeWindow };
  const projector = runProjector({ dataDirectory: config.data, files, settings, logger }, drain);
  ready();
  await projector;
  lock.release();
});
