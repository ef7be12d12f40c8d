// How a child process of `footfall serve` lives: it gets its settings from the supervisor, says when it serves, drains
// when it is told to or when the supervisor is gone, and ends.

import type { Logger } from "pino";
import type { ServeConfig } from "../config.ts";
import { createLogger } from "../logger.ts";

/** What the supervisor tells a child. */
export type ToChild =
  | { readonly type: "start"; readonly config: ServeConfig }
  /** Finish what was begun, then end. */
  | { readonly type: "drain" };

/** What a child tells the supervisor. */
export type FromChild =
  | { readonly type: "ready"; readonly url?: string; readonly port?: number }
  /** It cannot start, and would not the next time either. */
  | { readonly type: "fatal"; readonly message: string };

export interface ChildContext {
  readonly config: ServeConfig;
  readonly logger: Logger;
  readonly ready: (where?: { url: string; port: number }) => void;
  /** Aborts when the process is to drain. */
  readonly drain: AbortSignal;
}

/**
 * Runs `serve` when the supervisor says so. It resolves when the process has drained; when it rejects before it called
 * `ready`, the supervisor is told that starting again would not help.
 */
export function runChild(name: string, serve: (context: ChildContext) => Promise<void>): void {
  const draining = new AbortController();
  const drain = () => draining.abort();
  // Ctrl-C reaches the whole process group; the supervisor decides in which order its children stop.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", drain);
  process.on("disconnect", drain);
  process.on("message", (message: ToChild) => {
    if (message.type === "drain") drain();
    else void start(message.config);
  });

  async function start(config: ServeConfig): Promise<void> {
    const logger = createLogger(name, config.logLevel);
    process.on("uncaughtException", (error) => {
      logger.fatal({ err: error }, "uncaught exception: the process ends");
      process.exit(1);
    });
    let isReady = false;
    const ready = (where?: { url: string; port: number }) => {
      isReady = true;
      tell({ type: "ready", ...where });
    };
    try {
      await serve({ config, logger, ready, drain: draining.signal });
      process.exit(0);
    } catch (error) {
      logger.fatal({ err: error }, "the process ends");
      if (!isReady) tell({ type: "fatal", message: error instanceof Error ? error.message : String(error) });
      process.exit(1);
    }
  }
}

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message);
}
