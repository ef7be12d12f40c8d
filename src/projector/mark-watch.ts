// Wakes the projector when the durable mark moves: by notification, with a slow poll as a safety net.

import { type FSWatcher, watch } from "node:fs";
import { pause } from "../pause.ts";

/** File systems without notification, and a mark that was replaced, are noticed at the latest after this, in ms. */
const POLL_MS = 1000;

export class MarkWatch {
  readonly #path: string;
  readonly #stop: AbortSignal;
  #watcher: FSWatcher | undefined;
  #moved = false;
  #wake: () => void = () => {};

  constructor(path: string, stop: AbortSignal) {
    this.#path = path;
    this.#stop = stop;
    stop.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Resolves when the mark has moved since the last call, after POLL_MS, or when it is to stop. */
  async wait(): Promise<void> {
    this.#watch();
    if (!this.#moved && !this.#stop.aborted) {
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await pause(POLL_MS, waking.signal);
    }
    this.#moved = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Watches the mark, once it is there. */
  #watch(): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(this.#path, (event) => {
        // "rename": the file was replaced or removed, and the watch is on one that nobody writes any more.
        if (event === "rename") this.close();
        this.#moved = true;
        this.#wake();
      });
      this.#watcher.on("error", () => this.close());
    } catch (error) {
      // Before the first event there is no mark: the poll finds it.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
}
