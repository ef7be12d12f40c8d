// What some tests need and a user's machine may lack. There they are skipped, and say why; in CI they fail.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

type Skip = (condition: boolean, note?: string) => void;

/** 10,000 lines of a real Apache log, which are not part of the project. */
export const REAL_LOG = join(import.meta.dirname, "../../shared/data/access.log.gz");

export function needsRealLog(skip: Skip): void {
  skip(!existsSync(REAL_LOG) && !process.env.CI, `There is no ${REAL_LOG}`);
}

/** `versionArgument` makes the command print its version and succeed. */
export function needsCommand(skip: Skip, command: string, versionArgument: string): void {
  const found = spawnSync(command, [versionArgument]).status === 0;
  skip(!found && !process.env.CI, `There is no command ${command}`);
}
