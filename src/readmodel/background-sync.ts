// Brings a file to the disk while others go on writing it, so that whoever must wait for the disk finds little left to do: SQLite,
// before it copies its write-ahead log into the database.

import { open } from "node:fs/promises";

export class BackgroundSync {
  readonly #path: string;
  #underWay: Promise<void> | undefined;

  /** Of a file on which this process holds no POSIX lock: to close it would drop them. SQLite has none on its write-ahead log. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Begins with what is written, unless one is under way. It promises nothing: what cannot be synced, SQLite finds when it syncs. */
  start(): void {
    this.#underWay ??= this.#sync().then(this.#end, this.#end);
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await this.#underWay;
  }

  readonly #end = (): void => {
    this.#underWay = undefined;
  };

  async #sync(): Promise<void> {
    const file = await open(this.#path);
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
