// What earlier imports finished, in a file of JSON lines that only grows:
//
//   {"log":"<the server's log id>","end":"<a running hash, base64url>","assets":false,"bots":false}
//
// Each says that in the log of that id stand all events that the selection has of a block's lines up to the one
// with that running hash (see block.ts); whether the bots among them count is not known. It holds neither addresses nor anything else of the lines.
//
// It is not synced to disk: an entry that is lost, also by a torn write, only means that its block is sent again,
// with the same ids. Two imports at once may append to it, as each entry is one write.

import { type FileHandle, open } from "node:fs/promises";
import { ImportError, reasonOf } from "./import-error.ts";
import type { Selection } from "./selection.ts";

const OWNER_ONLY = 0o600;
const LF = 0x0a;

/** Where the import state of the key file at `keyFile` is. */
export function importStatePath(keyFile: string): string {
  return `${keyFile}.state`;
}

interface Entry extends Selection {
  readonly log: string;
  readonly end: string;
}

export class ImportState {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #logId: string;
  readonly #finished: Map<string, Selection[]>;

  private constructor(file: FileHandle, path: string, logId: string, finished: Map<string, Selection[]>) {
    this.#file = file;
    this.#path = path;
    this.#logId = logId;
    this.#finished = finished;
  }

  /**
   * Reads the entries in `path`, which is made if it does not exist, that are of the log with id `logId`. Throws an
   * ImportError if the file cannot be read and written.
   */
  static async open(path: string, logId: string): Promise<ImportState> {
    try {
      const file = await open(path, "a+", OWNER_ONLY);
      const content = await file.readFile();
      // A torn last line must not take the next one with it.
      if (content.length > 0 && content[content.length - 1] !== LF) await file.appendFile("\n");
      return new ImportState(file, path, logId, finishedIn(content.toString(), logId));
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /** The selections that are finished up to the line with this running hash. */
  finished(end: string): readonly Selection[] {
    return this.#finished.get(end) ?? [];
  }

  /** Remembers that `selection` is finished up to each of `ends`. */
  async record(ends: readonly string[], selection: Selection): Promise<void> {
    for (const end of ends) {
      const known = this.finished(end);
      if (known.some(({ assets, bots }) => assets === selection.assets && bots === selection.bots)) continue;
      this.#finished.set(end, [...known, selection]);
      const entry: Entry = { log: this.#logId, end, assets: selection.assets, bots: selection.bots };
      try {
        await this.#file.appendFile(`${JSON.stringify(entry)}\n`);
      } catch (error) {
        throw unusable(this.#path, error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The finished selections by running hash. Lines that are no entry are skipped. */
function finishedIn(content: string, logId: string): Map<string, Selection[]> {
  const finished = new Map<string, Selection[]>();
  for (const line of content.split("\n")) {
    const entry = parseEntry(line);
    if (entry?.log !== logId) continue;
    const selections = finished.get(entry.end) ?? [];
    selections.push({ assets: entry.assets, bots: entry.bots });
    finished.set(entry.end, selections);
  }
  return finished;
}

function parseEntry(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  if (!("log" in value && "end" in value && "assets" in value && "bots" in value)) return false;
  const { log, end, assets, bots } = value;
  return (
    typeof log === "string" &&
    typeof end === "string" &&
    typeof assets === "boolean" &&
    typeof bots === "boolean"
  );
}

function unusable(path: string, error: unknown): ImportError {
  return new ImportError("key_file", `The import state ${path} cannot be used: ${reasonOf(error)}`, {
    cause: error,
  });
}
