// Keeps a log's segments in place for as long as something takes: the running server does, or without one the writer's
// lock, so that none is started meanwhile.

import { join } from "node:path";
import { ControlError, callControl, INGEST_SOCKET, NotRunning } from "../control/control.ts";
import { DURABLE_MARK_NAME } from "../log/durable-mark.ts";
import { nodeLogFiles } from "../log/files.ts";
import { waitForLock } from "../log/lock.ts";
import { listSegments } from "../log/segments.ts";
import { openLog } from "../log/writer.ts";

/**
 * Runs `task` while the log of `dataDirectory` is held. The signal aborts when it is held no more: the task must give
 * up then. Throws a ControlError or LogError when the log cannot be held to the end, after the task has settled.
 */
export async function withHeldLog<T>(
  dataDirectory: string,
  task: (lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const lost = new AbortController();
  const held = Promise.withResolvers<void>();
  const holding = callControl(
    join(dataDirectory, INGEST_SOCKET),
    "hold",
    {},
    () => held.resolve(),
    done.signal,
  );
  // It ends before it is told to only when it could not begin, or when the server is gone.
  const ended = holding.then((): never => {
    throw new ControlError("the server stopped meanwhile: try again");
  });
  try {
    await Promise.race([held.promise, ended]);
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    return withLockedLog(dataDirectory, () => task(lost.signal));
  }
  ended.catch((reason) => lost.abort(reason));
  try {
    return await task(lost.signal);
  } catch (error) {
    // What the task throws then says no more than that it gave up.
    lost.signal.throwIfAborted();
    throw error;
  } finally {
    done.abort();
    await holding.catch(() => {});
  }
}

async function withLockedLog<T>(dataDirectory: string, task: () => Promise<T>): Promise<T> {
  const lock = await waitForLock(join(dataDirectory, "ingest.lock"), "writing this log");
  try {
    await recover(join(dataDirectory, "log"));
    return await task();
  } finally {
    lock.release();
  }
}

/**
 * Does what the next start of the server would do: after a crash the durable mark may be old, or gone, and events that
 * were acknowledged lie behind it. Throws a LogError when the log is damaged. A log that was never begun is left alone.
 */
async function recover(directory: string): Promise<void> {
  const files = await nodeLogFiles(directory);
  const isBegun = (await listSegments(files)).length > 0 || (await files.list()).includes(DURABLE_MARK_NAME);
  if (isBegun) await (await openLog(files)).log.close();
}
