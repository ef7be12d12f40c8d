// What can go wrong in an import that the user can mend. Its message is fit to be shown as it is.

export class ImportError extends Error {
  /**
   * `options`: what was asked for makes no sense. `input`: a file cannot be read. `key_file`: the key or the state
   * beside it cannot be used. `server`: it refuses, or cannot be reached. `interrupted`: the caller's signal.
   */
  readonly code: "options" | "input" | "key_file" | "server" | "interrupted";

  constructor(code: ImportError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ImportError";
    this.code = code;
  }
}

/** The system's error code of `error`, such as "ENOENT". */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What `error` says, for the end of a sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
