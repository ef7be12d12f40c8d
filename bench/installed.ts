// Whether a command is on this machine.

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export function isInstalled(command: string): boolean {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return directories.some((directory) => directory !== "" && existsSync(join(directory, command)));
}
