// The projector process: its composition root.

import { join } from "node:path";
import { PROJECTOR_SOCKET, serveControl } from "../control/control.ts";
import { nodeLogFiles } from "../log/files.ts";
import { waitForLock } from "../log/lock.ts";
import { runChild } from "../supervisor/child.ts";
import { Projector } from "./projector.ts";
import { rebuildCommand } from "./rebuild-command.ts";

runChild("projector", async ({ config, logger, ready, drain }) => {
  const lock = await waitForLock(join(config.data, "projector.lock"), "projecting this log");
  const files = await nodeLogFiles(join(config.data, "log"));
  const settings = { dedupeWindowMs: config.dedupeWindow };
  const projector = new Projector({ dataDirectory: config.data, files, settings, logger });
  const commands = new Map([["rebuild", rebuildCommand(projector, config.dedupeWindow)]]);
  const control = await serveControl(join(config.data, PROJECTOR_SOCKET), commands, logger);
  const running = projector.run(drain);
  ready();
  await running;
  await control.close();
  lock.release();
});
