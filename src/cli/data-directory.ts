// The data directory of a server that is about to start.

import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CliError } from "./cli-error.ts";

/** Makes the directory when it is missing. Throws a CliError when it cannot be made, or not be written. */
export function prepareDataDirectory(path: string): void {
  try {
    makeDirectory(resolve(path));
    // The dot makes a file that is no directory an error.
    accessSync(`${path}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new CliError(`the data directory ${path} (--data) cannot be written: ${detail}`, { cause: error });
  }
}

/** Not by Node's `recursive`, which tries for ever where nothing can be made, as in /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another server of the same directory may have been quicker.
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}
