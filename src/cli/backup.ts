// `footfall backup` and `footfall restore`.

import { BackupError, type BackupSummary, type Conduct, makeBackup } from "../backup/backup.ts";
import { withHeldLog } from "../backup/held-log.ts";
import { restoreBackup } from "../backup/restore.ts";
import { ControlError } from "../control/control.ts";
import { CliError } from "./cli-error.ts";
import { startCounter } from "./counter.ts";
import { logDirectory } from "./log-verify.ts";

/** Copies `data` to `target`, while a server runs on it or not. Resolves to the text to print; throws a CliError. */
export async function backup(data: string, target: string, signal: AbortSignal): Promise<string> {
  logDirectory(data);
  const { conduct, stop } = startConduct(signal);
  try {
    const summary = await withHeldLog(data, (lost) =>
      makeBackup(data, target, { ...conduct, signal: AbortSignal.any([signal, lost]) }),
    );
    const statistics = summary.hasStatistics
      ? " and the statistics of a moment before"
      : ", and no statistics";
    return `${target} has ${describe(summary)}${statistics}\n`;
  } catch (error) {
    if (signal.aborted) throw new CliError("interrupted: no backup was made");
    throw expected(error);
  } finally {
    stop();
  }
}

/** Makes the data directory `data` out of the backup in `source`. Resolves to the text to print; throws a CliError. */
export async function restore(source: string, data: string, signal: AbortSignal): Promise<string> {
  const { conduct, stop } = startConduct(signal);
  try {
    const summary = await restoreBackup(source, data, conduct);
    return `${data} has ${describe(summary)}, every one of them verified\n`;
  } catch (error) {
    if (signal.aborted) throw new CliError("interrupted: nothing was restored");
    throw expected(error);
  } finally {
    stop();
  }
}

/** Shows progress, and after `stop` what was warned of: a bar would be drawn over it. */
function startConduct(signal: AbortSignal): { conduct: Conduct; stop: () => void } {
  const counter = startCounter("bytes", process.stderr);
  const warnings: string[] = [];
  const warn = (text: string) => warnings.push(`footfall: ${text}\n`);
  return {
    conduct: { onProgress: counter.update, warn, signal },
    stop() {
      counter.stop();
      process.stderr.write(warnings.join(""));
    },
  };
}

function describe({ segments, endOffset, bytes }: BackupSummary): string {
  const [events, size] = [endOffset, bytes].map((count) => count.toLocaleString("en"));
  return `the log up to offset ${events} (${segments} segments, ${size} bytes)`;
}

function expected(error: unknown): unknown {
  if (!(error instanceof BackupError || error instanceof ControlError)) return error;
  return new CliError(error.message, { cause: error });
}
