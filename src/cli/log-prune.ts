// `footfall log prune`: takes the oldest segments off the log. A running server does it; without one, the command.

import { join } from "node:path";
import { Maintenance, type PruneRequest } from "../backup/maintenance.ts";
import { ControlError, callControl, INGEST_SOCKET, NotRunning } from "../control/control.ts";
import { isDate } from "../ingest/timestamp.ts";
import { nodeLogFiles } from "../log/files.ts";
import { waitForLock } from "../log/lock.ts";
import type { PrunePlan, PruneRule } from "../log/prune.ts";
import { CliError } from "./cli-error.ts";
import { logDirectory } from "./log-verify.ts";

export interface PruneOptions {
  readonly data: string;
  /** A UTC day: what was received before it goes. */
  readonly before?: string;
  /** How many bytes are to stay. */
  readonly keep?: number;
  readonly delete: boolean;
}

/** Resolves to the text to print. Throws a CliError, or a LogError. */
export async function pruneLog(options: PruneOptions, signal: AbortSignal): Promise<string> {
  const directory = logDirectory(options.data);
  const request: PruneRequest = { rule: ruleOf(options), mode: options.delete ? "delete" : "archive" };
  return describe(await askOrDo(options.data, directory, request, signal), request, directory);
}

function ruleOf({ before, keep }: PruneOptions): PruneRule {
  if (before !== undefined && keep === undefined) {
    if (!isDate(before)) throw new CliError(`--before ${before}: it must be a day, YYYY-MM-DD`);
    return { beforeMs: Date.parse(`${before}T00:00:00Z`) };
  }
  if (keep !== undefined && before === undefined) return { keepBytes: keep };
  throw new CliError("say what is to go: --before DATE or --keep BYTES, one of them");
}

async function askOrDo(
  data: string,
  directory: string,
  request: PruneRequest,
  signal: AbortSignal,
): Promise<Pick<PrunePlan, "segments" | "unfolded">> {
  try {
    const answer = await callControl(join(data, INGEST_SOCKET), "prune", request, () => {}, signal);
    return { segments: readSegments(answer.segments), unfolded: Number(answer.unfolded) };
  } catch (error) {
    if (error instanceof ControlError) throw new CliError(error.message, { cause: error });
    if (!(error instanceof NotRunning)) throw error;
  }
  const lock = await waitForLock(join(data, "ingest.lock"), "writing this log");
  try {
    return await new Maintenance(data, await nodeLogFiles(directory)).prune(request);
  } finally {
    lock.release();
  }
}

function readSegments(value: unknown): PrunePlan["segments"] {
  if (!Array.isArray(value))
    throw new CliError("the server's answer cannot be read: is it of another version?");
  return value.map(({ firstOffset, endOffset, bytes, lastReceivedMs }) => ({
    firstOffset: Number(firstOffset),
    endOffset: Number(endOffset),
    bytes: Number(bytes),
    lastReceivedMs: Number(lastReceivedMs),
  }));
}

function describe(
  { segments, unfolded }: Pick<PrunePlan, "segments" | "unfolded">,
  { mode }: PruneRequest,
  directory: string,
): string {
  const waiting =
    unfolded > 0
      ? `${unfolded} more segments stay: they are not folded into the statistics yet, or a rebuild is under way or was interrupted (footfall rebuild ends it)\n`
      : "";
  const first = segments[0];
  const last = segments.at(-1);
  if (!first || !last) return `nothing to prune: no whole segment is old enough\n${waiting}`;
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0).toLocaleString("en");
  const where = mode === "delete" ? "deleted" : `moved to ${join(directory, "archive")}`;
  const until = new Date(last.lastReceivedMs).toISOString();
  return (
    `${segments.length} segments (${bytes} bytes, offsets ${first.firstOffset} to ${last.endOffset - 1}, received ` +
    `until ${until}) were ${where}\n${waiting}` +
    `The statistics keep what they have. But they can be made anew only from what is left: a rebuild would lose the ` +
    `${last.endOffset.toLocaleString("en")} events before offset ${last.endOffset}, so it needs --accept-loss` +
    `${mode === "delete" ? "" : ", or the segments moved back"}.\n`
  );
}
