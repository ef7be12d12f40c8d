// Where an address is, by an MMDB file of the operator's that is read into memory. When the file changes it is read anew;
// while the new one is not valid, as when it is just being written, the old one stays in use.

import { readFileSync, type Stats, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import type { Logger } from "pino";
import type { PlaceFields } from "./enrichment.ts";
import { Lru } from "./lru.ts";
import { Mmdb } from "./mmdb.ts";
import { NOWHERE, placeOf } from "./place-record.ts";

/** Files with all cities of the world have a tenth of it. */
const MAX_FILE_BYTES = 1024 ** 3;
/** How often a changed file is looked for. */
const REFRESH_INTERVAL_MS = 60_000;
const MAX_REMEMBERED = 10_000;
/** Of an IPv6 address that ends as an IPv4 one does. Only a zone can make it longer. */
const MAX_ADDRESS_LENGTH = 45;

export class Places {
  readonly #file: string;
  readonly #logger: Logger;
  readonly #known = new Lru<PlaceFields>(MAX_REMEMBERED);
  #mmdb: Mmdb;
  /** Of the file that was looked at last, be it valid or not; undefined when there was none. */
  #version: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Throws an Error that says what is wrong when `file` cannot be read or is no MMDB file. */
  static open(file: string, logger: Logger): Places {
    const stats = statSync(file);
    checkStats(stats);
    return new Places(file, logger, new Mmdb(readFileSync(file)), versionOf(stats));
  }

  private constructor(file: string, logger: Logger, mmdb: Mmdb, version: string) {
    this.#file = file;
    this.#logger = logger;
    this.#mmdb = mmdb;
    this.#version = version;
    this.#scheduleRefresh();
  }

  /** Where `address` is. Empty when that is not known, or when `address` is no IP address. */
  fields(address: string): PlaceFields {
    if (address.length > MAX_ADDRESS_LENGTH || isIP(address) === 0) return NOWHERE;
    return this.#known.recall(address, (key) => this.#find(key));
  }

  /** Looks for a changed file no more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #find(address: string): PlaceFields {
    try {
      return placeOf(this.#mmdb.record(address));
    } catch {
      // The file is damaged just there; it says as little of the address as if it did not have it.
      return NOWHERE;
    }
  }

  #scheduleRefresh(): void {
    this.#timer = setTimeout(async () => {
      await this.#refresh();
      if (!this.#isClosed) this.#scheduleRefresh();
    }, REFRESH_INTERVAL_MS).unref();
  }

  /** Each version of the file is read once, so that a bad one is warned of once. */
  async #refresh(): Promise<void> {
    let version: string | undefined;
    try {
      const stats = await stat(this.#file);
      version = versionOf(stats);
      if (version === this.#version) return;
      checkStats(stats);
      this.#mmdb = new Mmdb(await readFile(this.#file));
      this.#known.clear();
      this.#logger.info({ file: this.#file }, "the changed file of places is in use");
    } catch (err) {
      if (version === this.#version) return;
      this.#logger.warn(
        { err, file: this.#file },
        "the changed file of places cannot be used; the old one stays in use",
      );
    }
    this.#version = version;
  }
}

function checkStats(stats: Stats): void {
  if (!stats.isFile()) throw new Error("it is not a regular file");
  if (stats.size > MAX_FILE_BYTES)
    throw new Error(`it has ${stats.size} bytes; at most ${MAX_FILE_BYTES} are allowed`);
}

/** Differs when the file was written, replaced, or made readable: all of that is a change of its status. */
function versionOf({ ino, size, ctimeMs }: Stats): string {
  return `${ino} ${size} ${ctimeMs}`;
}
