// What a server has acknowledged, to be compared with what it stored and counted.

import type { Server } from "./server.ts";

export class Ledger {
  readonly #server: Server;
  readonly #site: string;
  #acknowledged = 0;
  #unanswered = 0;
  /** The end of the log when `add` last looked. */
  #storedBefore = 0;

  /** All events must be views of `site`. */
  constructor(server: Server, site: string) {
    this.#server = server;
    this.#site = site;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /**
   * Takes down what a measurement gave; `unanswered` events may be stored or not: nobody waited for their answers. Throws
   * when fewer were stored meanwhile than acknowledged: in the sum of all measurements, events that were stored without an
   * answer would hide as many that were lost.
   */
  async add(acknowledged: number, unanswered = 0): Promise<void> {
    this.#acknowledged += acknowledged;
    this.#unanswered += unanswered;
    const stored = await this.#server.logEnd();
    const added = stored - this.#storedBefore;
    this.#storedBefore = stored;
    if (added < acknowledged) {
      throw new Error(`${acknowledged} events were acknowledged, but only ${added} came into the log`);
    }
  }

  /** Resolves when all events are folded, if the server folds. */
  async settle(): Promise<void> {
    if (this.#server.hasProjector) await this.#server.folded(this.#acknowledged);
  }

  /** How many events are stored. Throws when one was lost or invented, or is not counted. */
  async check(): Promise<number> {
    await this.settle();
    const stored = await this.#server.logEnd();
    const most = this.#acknowledged + this.#unanswered;
    if (stored < this.#acknowledged || stored > most) {
      throw new Error(
        `${this.#acknowledged} to ${most} events were acknowledged, but ${stored} are in the log`,
      );
    }
    if (this.#server.hasProjector) {
      await this.#server.folded(stored);
      const views = await this.#server.views(this.#site);
      if (views !== stored) throw new Error(`${stored} events are in the log, but ${views} are counted`);
    }
    return stored;
  }
}
