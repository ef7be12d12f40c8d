// Follows the generation that is current: its link may be switched at any time. And its files may be deleted, and made anew
// with the same number.

import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { currentGeneration, generationPath } from "./generations.ts";

/** How long to wait for the projector's rare exclusive moments, in ms. */
const BUSY_TIMEOUT_MS = 1000;

export class CurrentModel<Prepared> {
  readonly #dataDirectory: string;
  readonly #prepare: (database: Database.Database) => Prepared;
  #generation: number | undefined;
  /** The file's. While it is open no other file gets it. */
  #inode: number | undefined;
  #open: { readonly database: Database.Database; readonly prepared: Prepared } | undefined;

  /** `prepare` makes what is needed of a database, which is open for reading only. */
  constructor(dataDirectory: string, prepare: (database: Database.Database) => Prepared) {
    this.#dataDirectory = dataDirectory;
    this.#prepare = prepare;
  }

  /** What was prepared of the generation that the link names now; undefined while there is none. */
  get(): Prepared | undefined {
    const generation = currentGeneration(this.#dataDirectory);
    if (!this.#has(generation)) {
      this.close();
      if (generation !== undefined) {
        // Looked at before it is opened: when another one takes its place in between, the next call opens that.
        this.#inode = this.#inodeOf(generation);
        this.#open = this.#openGeneration(generation);
      }
      this.#generation = generation;
    }
    return this.#open?.prepared;
  }

  /** Closes the generation that is open when it is not current any more: while it is open, its files keep their room on the disk,
   *  though they are removed. Throws what reading the link throws. */
  letGo(): void {
    if (!this.#has(currentGeneration(this.#dataDirectory))) this.close();
  }

  close(): void {
    this.#open?.database.close();
    this.#open = undefined;
    this.#generation = undefined;
  }

  /** Whether what is open is `generation`, or nothing when there is none. One whose file is gone is, until there is another. */
  #has(generation: number | undefined): boolean {
    if (generation === undefined || generation !== this.#generation) return generation === this.#generation;
    const inode = this.#inodeOf(generation);
    return inode === undefined || inode === this.#inode;
  }

  #inodeOf(generation: number): number | undefined {
    return statSync(generationPath(this.#dataDirectory, generation), { throwIfNoEntry: false })?.ino;
  }

  #openGeneration(generation: number): { database: Database.Database; prepared: Prepared } {
    try {
      const path = generationPath(this.#dataDirectory, generation);
      const database = new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
      try {
        database.pragma("query_only = ON");
        return { database, prepared: this.#prepare(database) };
      } catch (error) {
        database.close();
        throw error;
      }
    } catch (error) {
      // Between reading the link and opening the file the projector may have switched and removed it.
      const now = currentGeneration(this.#dataDirectory);
      if (now === undefined || now === generation) throw error;
      return this.#openGeneration(now);
    }
  }
}
