import { type Logger, pino } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard error, written at once: standard output is for what a command answers. */
export function createLogger(name: string, level: LogLevel): Logger {
  return pino({ name, level }, pino.destination({ fd: 2, sync: true }));
}
