// The data directory of a server that is about to start.

import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { CliError } from "./cli-error.ts";

/** Makes the directory when it is missing. Throws a CliError when it cannot be made, or not be read, or `isWritten` and it cannot be. */
export function prepareDataDirectory(path: string, isWritten: boolean): void {
  const { R_OK, W_OK, X_OK } = constants;
  try {
    makeDirectory(resolve(path));
    // The dot makes a file that is no directory an error.
    accessSync(`${path}/.`, R_OK | X_OK | (isWritten ? W_OK : 0));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const what = isWritten ? "written" : "read";
    throw new CliError(`the data directory ${path} (--data) cannot be ${what}: ${detail}`, { cause: error });
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
