// The keys that visitors are made with: a random one for each UTC day of receipt, in one file of the data directory. Only
// today's and yesterday's are kept, so that a key is gone 48 hours after its day began, and with it the way from an address
// and a user agent to the visitor that the log has.
//
// The file has a line for each key, the day and 64 hex digits. It is replaced as a whole, so it is old or new, and a new
// key is on disk before it is used: else a crash would make two visitors out of one. Whoever opens it has the writer's
// lock of the log (src/log/lock.ts).

import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import { dayOf, daysFromCivil, formatTimestamp, MS_PER_DAY } from "./timestamp.ts";

const VISITOR_KEYS_NAME = "visitor.keys";

const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;
/** How long it is before a key that could not be stored is tried again, in ms. */
const RETRY_MS = 10_000;
/** How often the clock is looked at, in ms: it may be set, or the machine may sleep. */
const CHECK_MS = 60_000;

/** Keys by their UTC day, in days since 1970-01-01. */
type Keys = ReadonlyMap<number, Buffer>;

const LINE = /^(\d{4})-(\d\d)-(\d\d) ([0-9a-f]{64})$/;

export class VisitorKeys {
  readonly #path: string;
  readonly #now: () => number;
  readonly #logger: Logger;
  #keys: Keys = new Map();
  #timer: NodeJS.Timeout | undefined;
  /** No key is made before this. */
  #makesFromMs = Number.POSITIVE_INFINITY;

  /** Has no keys until it is opened. `now` is the wall clock in ms. */
  constructor(dataDirectory: string, logger: Logger, now: () => number = Date.now) {
    this.#path = join(dataDirectory, VISITOR_KEYS_NAME);
    this.#now = now;
    this.#logger = logger;
  }

  /**
   * Reads the keys and deletes those that are too old, now and at each midnight. A file that cannot be read is begun
   * anew: then those who come again today are new visitors.
   */
  open(): void {
    this.#keys = this.#read();
    this.#makesFromMs = 0;
    this.#watchMidnight();
  }

  /** The key of a day; undefined when there is none. */
  keyOf(day: number): Buffer | undefined {
    return this.#keys.get(day);
  }

  /** The key of a day, which is made when there is none; undefined while it cannot be stored. */
  openKey(day: number): Buffer | undefined {
    const key = this.#keys.get(day);
    if (key || this.#now() < this.#makesFromMs) return key;
    const made = randomBytes(KEY_BYTES);
    return this.#store(keptOn(day, new Map([...this.#keys, [day, made]]))) ? made : undefined;
  }

  /** Deletes the keys that are too old by the wall clock; what cannot be deleted is tried again at the next look. */
  #expire(): void {
    const kept = keptOn(dayOf(this.#now()), this.#keys);
    if (kept.size < this.#keys.size) this.#store(kept);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #watchMidnight(): void {
    this.#expire();
    const untilMidnight = MS_PER_DAY - (this.#now() % MS_PER_DAY);
    this.#timer = setTimeout(() => this.#watchMidnight(), Math.min(untilMidnight, CHECK_MS)).unref();
  }

  #read(): Keys {
    try {
      const keys = parseKeys(readFileSync(this.#path, "latin1"));
      if (keys) return keys;
      this.#logger.warn("the visitor keys are damaged: they are made anew");
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) {
        this.#logger.warn({ err: error }, "the visitor keys cannot be read: they are made anew");
      }
    }
    return new Map();
  }

  /** Whether `keys` are on disk now, and so are the ones that are used. */
  #store(keys: Keys): boolean {
    try {
      replaceSynced(this.#path, formatKeys(keys));
      this.#keys = keys;
      return true;
    } catch (error) {
      this.#logger.error({ err: error }, "the visitor keys cannot be stored");
      this.#makesFromMs = this.#now() + RETRY_MS;
      return false;
    }
  }
}

/** Of `keys`, those that may still be there on the day `today`. */
function keptOn(today: number, keys: Keys): Keys {
  return new Map([...keys].filter(([day]) => day >= today - 1));
}

function parseKeys(text: string): Keys | undefined {
  const keys = new Map<number, Buffer>();
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [, year, month, day, hex = ""] = LINE.exec(line) ?? [];
    if (hex === "") return undefined;
    keys.set(daysFromCivil(Number(year), Number(month), Number(day)), Buffer.from(hex, "hex"));
  }
  return keys;
}

function formatKeys(keys: Keys): string {
  const lines = [...keys].map(([day, key]) => {
    const date = formatTimestamp(day * MS_PER_DAY).slice(0, 10);
    return `${date} ${key.toString("hex")}\n`;
  });
  return lines.join("");
}

/** Makes `text` the content of the file `path`, for its owner alone, and returns when that is on disk. */
function replaceSynced(path: string, text: string): void {
  const temporary = `${path}.new`;
  // One that a crash left could have another mode.
  rmSync(temporary, { force: true });
  synced(openSync(temporary, "wx", OWNER_ONLY), (file) => writeSync(file, text));
  renameSync(temporary, path);
  synced(openSync(dirname(path), "r"), () => {});
}

/** Syncs and closes `file` when `use` has returned. */
function synced(file: number, use: (file: number) => void): void {
  try {
    use(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
