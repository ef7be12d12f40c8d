// How a child process of `footfall serve` lives: it gets its settings from the supervisor, says when it serves, drains
// when it is told to or when the supervisor is gone, and ends.

import type { Logger } from "pino";
import type { ServeConfig } from "../config.ts";
import { reasonOf } from "../log/errors.ts";
import { createLogger } from "../logger.ts";

/** What the supervisor tells a child. */
export type ToChild =
  | { readonly type: "start"; readonly config: ServeConfig }
  /** Why the projector does not run; without a problem, it does. */
  | { readonly type: "projector"; readonly problem?: string | undefined }
  /** Finish what was begun, then end. */
  | { readonly type: "drain" };

/** What a child tells the supervisor. */
export type FromChild =
  | { readonly type: "ready"; readonly url?: string; readonly port?: number }
  /** It ends by an error; `reason` is fit for senders. When it was never ready, it would not be the next time either. */
  | { readonly type: "fatal"; readonly message: string; readonly reason: string };

export interface ChildContext {
  readonly config: ServeConfig;
  readonly logger: Logger;
  readonly ready: (where?: { url: string; port: number }) => void;
  /** Aborts when the process is to drain. */
  readonly drain: AbortSignal;
  /** Why the projector does not run, fit for senders; undefined when it does, or is another supervisor's. */
  readonly projectorProblem: () => string | undefined;
}

/**
 * Runs `serve` when the supervisor says so. It resolves when the process has drained; when it rejects before it called
 * `ready`, starting it again would not help, and the supervisor does not.
 */
export function runChild(name: string, serve: (context: ChildContext) => Promise<void>): void {
  const draining = new AbortController();
  const drain = () => draining.abort();
  let projectorProblem: string | undefined;
  // Ctrl-C reaches the whole process group; the supervisor decides in which order its children stop.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", drain);
  process.on("disconnect", drain);
  process.on("message", (message: ToChild) => {
    if (message.type === "drain") drain();
    else if (message.type === "projector") projectorProblem = message.problem;
    else void start(message.config);
  });

  async function start(config: ServeConfig): Promise<void> {
    const logger = createLogger(name, config.logLevel);
    process.on("uncaughtException", (error) => {
      logger.fatal({ err: error }, "uncaught exception: the process ends");
      process.exit(1);
    });
    const ready = (where?: { url: string; port: number }) => tell({ type: "ready", ...where });
    try {
      await serve({
        ...{ config, logger, ready, drain: draining.signal },
        projectorProblem: () => projectorProblem,
      });
      process.exit(0);
    } catch (error) {
      logger.fatal({ err: error }, "the process ends");
      const message = error instanceof Error ? error.message : String(error);
      tell({ type: "fatal", message, reason: reasonOf(error) });
      process.exit(1);
    }
  }
}

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message);
}
