// `footfall rebuild`, as the running projector carries it out.

import { type ControlCommand, ControlError } from "../control/control.ts";
import { LogError } from "../log/errors.ts";
import type { Projector } from "./projector.ts";
import { RebuildError } from "./rebuild.ts";

/** `dedupeWindowMs` is what the projector goes by: a command that was given another one is refused. */
export function rebuildCommand(projector: Projector, dedupeWindowMs: number): ControlCommand {
  return async (args, progress, signal) => {
    if ((args.dedupeWindowMs ?? dedupeWindowMs) !== dedupeWindowMs) {
      throw new ControlError(
        "the running server has another --dedupe-window: restart it with this one, and it makes the statistics anew by itself",
      );
    }
    try {
      return await projector.rebuild(progress, signal, args.acceptLoss === true);
    } catch (error) {
      const isForOperator = error instanceof LogError || error instanceof RebuildError;
      throw isForOperator ? new ControlError(error.message, { cause: error }) : error;
    }
  };
}
