// Wakes the projector when the durable mark moves: by notification, with a slow poll as a safety net.

import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { pause } from "../pause.ts";

/** File systems without notification, and a mark that was replaced, are noticed at the latest after this, in ms. */
const POLL_MS = 1000;

export class MarkWatch {
  readonly #path: string;
  readonly #stop: AbortSignal;
  readonly #pollMs: number;
  #watcher: FSWatcher | undefined;
  #moved = false;
  #wake: () => void = () => {};

  constructor(path: string, stop: AbortSignal, pollMs = POLL_MS) {
    this.#path = path;
    this.#stop = stop;
    this.#pollMs = pollMs;
    stop.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Resolves when the mark has or may have moved since the last call, after the poll's time, or when it is to stop. */
  async wait(): Promise<void> {
    this.#watch();
    if (!this.#moved && !this.#stop.aborted) {
      const waking = new AbortController();
      this.#wake = () => waking.abort();
      await pause(this.#pollMs, waking.signal);
    }
    this.#moved = false;
  }

  /** Ends a wait: there is something to do beside what the mark tells. */
  wake(): void {
    this.#moved = true;
    this.#wake();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Watches the mark; until there is one, its directory. */
  #watch(): void {
    if (this.#watcher) return;
    try {
      // "rename": the file was replaced or removed, and the watch is on one that nobody writes any more.
      this.#watcher = watch(this.#path, (event) => this.#onEvent(event === "rename"));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      this.#watcher = watch(dirname(this.#path), () => this.#onEvent(true));
    }
    this.#watcher.on("error", () => this.close());
    // What happened before it was watched is not known.
    this.#moved = true;
  }

  #onEvent(isStale: boolean): void {
    if (isStale) this.close();
    this.#moved = true;
    this.#wake();
  }
}
