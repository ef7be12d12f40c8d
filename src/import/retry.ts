// Tries again what may go better the next time.

import { setTimeout as delay } from "node:timers/promises";
import { ImportError } from "./import-error.ts";

/** A restarted server is back within about a second. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/** Long enough for a server's restart with recovery, short enough for somebody who waits at a terminal. */
export const GIVE_UP_AFTER_MS = 60_000;

/** An attempt failed in a way that is worth another one. */
export class TransientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TransientError";
  }
}

export interface RetryOptions {
  readonly signal: AbortSignal;
  /** Hears when waiting begins and when it is over. */
  readonly log: (text: string) => void;
  /** For how long to try, from the first failure. */
  readonly giveUpAfterMs: number;
}

/**
 * Calls `attempt` until it does not throw a TransientError, with waits that double. Throws an ImportError when it
 * gives up, whatever else `attempt` throws, and the signal's reason.
 * `attempt` is told whether it is called again.
 */
export async function retrying<T>(
  attempt: (again: boolean) => Promise<T>,
  { signal, log, giveUpAfterMs }: RetryOptions,
): Promise<T> {
  let failedAt: number | undefined;
  let waitMs = FIRST_WAIT_MS;
  while (true) {
    signal.throwIfAborted();
    try {
      const result = await attempt(failedAt !== undefined);
      if (failedAt !== undefined)
        log(`Through again after ${((performance.now() - failedAt) / 1000).toFixed(1)} s`);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) throw error;
      if (failedAt === undefined) {
        failedAt = performance.now();
        log(`${error.message}; trying again for ${giveUpAfterMs / 1000} s`);
      } else if (performance.now() - failedAt >= giveUpAfterMs) {
        throw new ImportError(
          "server",
          `${error.message}. Gave up after ${giveUpAfterMs / 1000} s; running the same command again continues`,
          { cause: error },
        );
      }
    }
    await delay(waitMs, undefined, { signal });
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}
