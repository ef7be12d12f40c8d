// Keeps a log's segments in place for as long as something takes: the running server does, or without one the writer's
// lock, so that none is started meanwhile.

import { join } from "node:path";
import { ControlError, callControl, INGEST_SOCKET, NotRunning } from "../control/control.ts";
import { waitForLock } from "../log/lock.ts";

/** Runs `task` while the log of `dataDirectory` is held. Throws a ControlError or LogError when it cannot be. */
export async function withHeldLog<T>(dataDirectory: string, task: () => Promise<T>): Promise<T> {
  const done = new AbortController();
  const held = Promise.withResolvers<void>();
  const holding = callControl(
    join(dataDirectory, INGEST_SOCKET),
    "hold",
    {},
    () => held.resolve(),
    done.signal,
  );
  // It ends before it is told to only when it could not begin, or when the server is gone.
  const lost = holding.then((): never => {
    throw new ControlError("the server stopped meanwhile: try again");
  });
  try {
    await Promise.race([held.promise, lost]);
    return await Promise.race([task(), lost]);
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
  } finally {
    done.abort();
    await holding.catch(() => {});
  }
  const lock = await waitForLock(join(dataDirectory, "ingest.lock"), "writing this log");
  try {
    return await task();
  } finally {
    lock.release();
  }
}
