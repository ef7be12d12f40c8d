// `footfall rebuild`, as the running projector carries it out.

import { type ControlCommand, ControlError } from "../control/control.ts";
import { LogError } from "../log/errors.ts";
import type { Projector } from "./projector.ts";

export function rebuildCommand(projector: Projector): ControlCommand {
  return async (args, progress, signal) => {
    try {
      return await projector.rebuild(progress, signal, args.acceptLoss === true);
    } catch (error) {
      throw error instanceof LogError ? new ControlError(error.message, { cause: error }) : error;
    }
  };
}
