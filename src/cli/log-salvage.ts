// `footfall log salvage`: appends what a repair took away, and can be read, to the repaired log.

import { isDirectory } from "../backup/directories.ts";
import { nodeLogFiles } from "../log/files.ts";
import { type Salvaged, salvage } from "../log/salvage.ts";
import { CliError } from "./cli-error.ts";
import { logDirectory } from "./log-verify.ts";
import { startReadCounter } from "./read-counter.ts";
import { withoutServer } from "./writer-locks.ts";

/**
 * Resolves to the text to print. `directory` is what a repair left. Throws a CliError when there is no log or no such
 * directory, or while a server runs, and a LogError when the log has gone on or cannot be opened.
 */
export async function salvageText(data: string, directory: string): Promise<string> {
  const files = await nodeLogFiles(logDirectory(data));
  if (!(await isDirectory(directory))) throw new CliError(`there is no directory ${directory}`);
  const damaged = await nodeLogFiles(directory);
  const counter = await startReadCounter(damaged);
  const work = () => salvage(files, damaged, counter.read).finally(counter.stop);
  return describe(await withoutServer(data, work));
}

function describe({ appended, present, unreadable, foreign, endOffset }: Salvaged): string {
  const lines = [
    `${appended} events were appended, with new offsets; the log ends at offset ${endOffset}`,
    `${present} events were in the log already`,
  ];
  if (unreadable > 0)
    lines.push(`${unreadable} events have frames that are whole, and records that cannot be read`);
  for (const name of foreign) lines.push(`${name}: left out, it belongs to another log`);
  return `${lines.join("\n")}\n`;
}
