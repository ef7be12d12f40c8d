// What earlier imports finished, in a file of JSON lines that only grows:
//
//   {"log":"<the server's log id>","end":"<a running hash, base64url>","assets":false,"bots":false,"offset":12345}
//   {"log":"<the server's log id>","cut":12000}
//
// The first says that in the log of that id stand all events that the selection has of a block's lines up to the one
// with that running hash (see block.ts), before that offset, which is where the log ended when the server had acknowledged
// the block; whether the bots among them count is not known. Entries that lack the offset are of earlier versions.
//
// The second says that the log of that id was cut off at that offset, by a repair or as an older backup was restored: of
// the entries above it, those with a greater offset are void. It is a line, and no entry is removed, as the log grows past
// the offset again; and so that another import may be adding entries just then.
//
// It holds neither addresses nor anything else of the lines of access logs.
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

/** A log, and the offset behind its last event. */
export interface LogEnd {
  readonly logId: string;
  readonly offset: number;
}

interface Entry extends Selection {
  readonly log: string;
  readonly end: string;
  readonly offset?: number;
}

interface Cut {
  readonly log: string;
  readonly cut: number;
}

export class ImportState {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #entries: readonly Entry[];
  #logId = "";
  #finished = new Map<string, Selection[]>();

  private constructor(file: FileHandle, path: string, entries: readonly Entry[]) {
    this.#file = file;
    this.#path = path;
    this.#entries = entries;
  }

  /**
   * Reads the entries in `path`, which is made if it does not exist. Throws an ImportError if the file cannot be read and
   * written.
   */
  static async open(path: string): Promise<ImportState> {
    try {
      const file = await open(path, "a+", OWNER_ONLY);
      const content = await file.readFile();
      // A torn last line must not take the next one with it.
      if (content.length > 0 && content[content.length - 1] !== LF) await file.appendFile("\n");
      return new ImportState(file, path, entriesIn(content.toString()));
    } catch (error) {
      throw unusable(path, error);
    }
  }

  /**
   * Says which log the entries are asked for of, and where it ends: what was finished behind that is void from now on. To be
   * told after the state was opened, of the end at that time or later, as another import may have added entries before.
   * Resolves to how many entries became void, and of how many that stay it is not known where they stand.
   */
  async use({ logId, offset }: LogEnd): Promise<{ lost: number; unknown: number }> {
    const all = this.#entries.filter(({ log }) => log === logId);
    const kept = all.filter((entry) => !isBehind(entry, offset));
    const lost = all.length - kept.length;
    if (lost > 0) await this.#append({ log: logId, cut: offset });
    this.#logId = logId;
    this.#finished = selectionsByEnd(kept);
    return { lost, unknown: kept.filter((entry) => entry.offset === undefined).length };
  }

  /** The selections that are finished up to the line with this running hash. */
  finished(end: string): readonly Selection[] {
    return this.#finished.get(end) ?? [];
  }

  /** Remembers that `selection` is finished up to each of `ends`, in a log that ended at `offset` then or before. */
  async record(ends: readonly string[], selection: Selection, offset: number): Promise<void> {
    for (const end of ends) {
      const known = this.finished(end);
      if (known.some(({ assets, bots }) => assets === selection.assets && bots === selection.bots)) continue;
      this.#finished.set(end, [...known, selection]);
      await this.#append({ log: this.#logId, end, assets: selection.assets, bots: selection.bots, offset });
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #append(line: Entry | Cut): Promise<void> {
    try {
      await this.#file.appendFile(`${JSON.stringify(line)}\n`);
    } catch (error) {
      throw unusable(this.#path, error);
    }
  }
}

/** The entries that no cut has made void. Lines that are neither are skipped. */
function entriesIn(content: string): Entry[] {
  let entries: Entry[] = [];
  for (const line of content.split("\n")) {
    const value = parse(line);
    if (isEntry(value)) entries.push(value);
    else if (isCut(value)) {
      entries = entries.filter((entry) => entry.log !== value.log || !isBehind(entry, value.cut));
    }
  }
  return entries;
}

/** Of an entry of an earlier version it is not known; to send all that such ones imported again would count most of it twice. */
function isBehind({ offset }: Entry, end: number): boolean {
  return offset !== undefined && offset > end;
}

function selectionsByEnd(entries: readonly Entry[]): Map<string, Selection[]> {
  const finished = new Map<string, Selection[]>();
  for (const { end, assets, bots } of entries) {
    finished.set(end, [...(finished.get(end) ?? []), { assets, bots }]);
  }
  return finished;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
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
    typeof bots === "boolean" &&
    (!("offset" in value) || typeof value.offset === "number")
  );
}

function isCut(value: unknown): value is Cut {
  if (typeof value !== "object" || value === null || !("log" in value && "cut" in value)) return false;
  return typeof value.log === "string" && typeof value.cut === "number";
}

function unusable(path: string, error: unknown): ImportError {
  return new ImportError("key_file", `The import state ${path} cannot be used: ${reasonOf(error)}`, {
    cause: error,
  });
}
