// `footfall rebuild`: makes the statistics anew from the log, beside the live ones, and switches when they are as far.
// A running projector does it; without one, this process is the projector for as long as it takes.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { callControl, NotRunning, PROJECTOR_SOCKET } from "../control/control.ts";
import { nodeLogFiles } from "../log/files.ts";
import { waitForLock } from "../log/lock.ts";
import { createLogger } from "../logger.ts";
import { Projector } from "../projector/projector.ts";
import type { RebuildProgress } from "../projector/rebuild.ts";
import { CliError } from "./cli-error.ts";
import { type Counter, startCounter } from "./counter.ts";

export interface RebuildOptions {
  readonly data: string;
  /** In ms; of a rebuild without a server. */
  readonly dedupeWindow: number;
  /** Whether it was asked for, and is not just the default: a running server that has another one then refuses. */
  readonly isWindowGiven: boolean;
  readonly acceptLoss: boolean;
}

/** Resolves to the text to print. Throws a CliError, also when `signal` aborts. */
export async function rebuild(options: RebuildOptions, signal: AbortSignal): Promise<string> {
  if (!existsSync(join(options.data, "log"))) {
    throw new CliError(
      `there is no event log in ${options.data}: name the server's data directory with --data`,
    );
  }
  const counter = startCounter("events", process.stderr);
  const startedAt = performance.now();
  try {
    const result = await askOrDo(options, counter, signal);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const left =
      result.deadLetters > 0 ? `; ${result.deadLetters} could not be folded (footfall dead-letters)` : "";
    return `the statistics were made anew from ${(result.position - result.first).toLocaleString("en")} events in ${seconds} s${left}\n`;
  } catch (error) {
    if (!signal.aborted)
      throw new CliError(error instanceof Error ? error.message : String(error), { cause: error });
    throw new CliError("interrupted: the statistics are as before; the same command again goes on from here");
  } finally {
    counter.stop();
  }
}

async function askOrDo(
  { data, dedupeWindow, isWindowGiven, acceptLoss }: RebuildOptions,
  counter: Counter,
  signal: AbortSignal,
): Promise<RebuildProgress> {
  const onProgress = ({ position, end }: RebuildProgress) => counter.update(position, end);
  try {
    const socket = join(data, PROJECTOR_SOCKET);
    const result = await callControl(
      socket,
      "rebuild",
      { acceptLoss, ...(isWindowGiven && { dedupeWindowMs: dedupeWindow }) },
      (state) => onProgress(asProgress(state)),
      signal,
    );
    return asProgress(result);
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
  }
  const lock = await waitForLock(join(data, "projector.lock"), "projecting this log");
  try {
    const files = await nodeLogFiles(join(data, "log"));
    const settings = { dedupeWindowMs: dedupeWindow };
    const logger = createLogger("footfall", "warn");
    const projector = new Projector({ dataDirectory: data, files, settings, logger, acceptLoss });
    const done = new AbortController();
    const running = projector.run(done.signal);
    try {
      // run() never ends before it is told to: if it does, it has failed.
      return await Promise.race([projector.rebuild(onProgress, signal, acceptLoss), running.then(neverEnds)]);
    } finally {
      done.abort();
      // Its failure is what the race has told already, or comes of being stopped. The lock is held until it has ended.
      await running.catch(() => {});
    }
  } finally {
    lock.release();
  }
}

function neverEnds(): never {
  throw new Error("the projector ended");
}

function asProgress(state: Readonly<Record<string, unknown>>): RebuildProgress {
  const { generation, first, position, end, deadLetters } = state;
  return {
    generation: Number(generation),
    first: Number(first),
    position: Number(position),
    end: Number(end),
    deadLetters: Number(deadLetters),
  };
}
