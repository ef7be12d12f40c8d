// What can go wrong with a log. Messages are for operators: they name the file, the place and what to do.

export type LogErrorCode =
  /** Bytes that no crash explains: refuse, never guess. */
  | "corrupt"
  /** Another process has the log open for writing. */
  | "locked"
  /** The file system has no room for another event. */
  | "no_room"
  /** A write or sync failed: nothing more is written by this process. */
  | "failed"
  /** A checkpoint does not belong to this log. */
  | "mismatch";

export class LogError extends Error {
  readonly code: LogErrorCode;

  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LogError";
    this.code = code;
  }
}

/** What `error` says, fit to be shown to senders: without the paths that the file system's errors end with. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return error instanceof Error && "path" in error ? message.replace(/ '.*$/s, "") : message;
}

/** Corruption in `file` at byte `position`. */
export function corruption(file: string, position: number, problem: string): LogError {
  return new LogError(
    "corrupt",
    `log segment ${file} is damaged at byte ${position}: ${problem}; ` +
      "nothing was changed; `footfall log verify` lists all damage, docs/operations.md says what to do",
  );
}
