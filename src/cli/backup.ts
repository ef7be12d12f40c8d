// `footfall backup` and `footfall restore`.

import { BackupError, type BackupSummary, makeBackup } from "../backup/backup.ts";
import { withHeldLog } from "../backup/held-log.ts";
import { restoreBackup } from "../backup/restore.ts";
import { ControlError } from "../control/control.ts";
import { CliError } from "./cli-error.ts";
import { startCounter } from "./counter.ts";
import { logDirectory } from "./log-verify.ts";

/** Copies `data` to `target`, while a server runs on it or not. Resolves to the text to print; throws a CliError. */
export async function backup(data: string, target: string, signal: AbortSignal): Promise<string> {
  logDirectory(data);
  const counter = startCounter("bytes", process.stderr);
  try {
    const summary = await withHeldLog(data, (lost) =>
      makeBackup(data, target, counter.update, AbortSignal.any([signal, lost])),
    );
    return `${target} has ${describe(summary)} and the statistics of a moment before\n`;
  } catch (error) {
    if (signal.aborted) throw new CliError("interrupted: no backup was made");
    throw expected(error);
  } finally {
    counter.stop();
  }
}

/** Makes the data directory `data` out of the backup in `source`. Resolves to the text to print; throws a CliError. */
export async function restore(source: string, data: string, signal: AbortSignal): Promise<string> {
  const counter = startCounter("bytes", process.stderr);
  try {
    const summary = await restoreBackup(source, data, counter.update, signal);
    return `${data} has ${describe(summary)}, every one of them verified\n`;
  } catch (error) {
    if (signal.aborted) throw new CliError("interrupted: nothing was restored");
    throw expected(error);
  } finally {
    counter.stop();
  }
}

function describe({ segments, endOffset, bytes }: BackupSummary): string {
  const [events, size] = [endOffset, bytes].map((count) => count.toLocaleString("en"));
  return `the log up to offset ${events} (${segments} segments, ${size} bytes)`;
}

function expected(error: unknown): unknown {
  if (!(error instanceof BackupError || error instanceof ControlError)) return error;
  return new CliError(error.message, { cause: error });
}
