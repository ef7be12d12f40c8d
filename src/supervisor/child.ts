// How a child process of `footfall serve` lives: it gets its settings from the supervisor, says when it serves, drains
// when it is told to or when the supervisor is gone, and ends.

import type { Logger } from "pino";
import type { ServeConfig } from "../config.ts";
import { LogError, reasonOf } from "../log/errors.ts";
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
  let isReady = false;
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
    const ready = (where?: { url: string; port: number }) => {
      isReady = true;
      tell({ type: "ready", ...where });
    };
    try {
      await serve({
        ...{ config, logger, ready, drain: draining.signal },
        projectorProblem: () => projectorProblem,
      });
      process.exit(0);
    } catch (error) {
      // Why it cannot start, the supervisor says in a line.
      logger[isReady ? "fatal" : "debug"]({ err: error }, "the process ends");
      tell({ type: "fatal", message: explain(error, config.data), reason: reasonOf(error) });
      process.exit(1);
    }
  }
}

/** What is wrong, for the person who starts the server. */
function explain(error: unknown, data: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof LogError && error.code === "locked") {
    return `the data directory ${data} is in use by another server or command: stop it, or choose another with --data`;
  }
  // SQLite does not say which file.
  const isOfSqlite = "code" in error && String(error.code).startsWith("SQLITE_");
  return isOfSqlite
    ? `a file in the data directory ${data} (--data) cannot be used: ${error.message}`
    : error.message;
}

function tell(message: FromChild): void {
  if (process.connected) process.send?.(message);
}
