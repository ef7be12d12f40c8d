// A build of a new generation that is under way: who asked for it hears how far it is, and how it ended.

import type { Projection } from "./projection.ts";

export interface RebuildProgress {
  readonly generation: number;
  /** Where it begins, how far it is, and how far it is to go, as offsets. */
  readonly first: number;
  readonly position: number;
  readonly end: number;
  /** Events that could not be folded. */
  readonly deadLetters: number;
}

/** Why a build ended, in words for the operator. */
export class RebuildError extends Error {}

export class Rebuild {
  readonly projection: Projection;
  readonly #watchers = new Set<(progress: RebuildProgress) => void>();
  readonly #finished = Promise.withResolvers<RebuildProgress>();
  readonly #closed = Promise.withResolvers<void>();
  #isStopped = false;

  constructor(projection: Projection) {
    this.projection = projection;
    // Nobody may be waiting for it.
    this.#finished.promise.catch(() => {});
  }

  /**
   * Resolves when readers use the new generation; rejects with the reason when the build was stopped, or when `signal`
   * aborts, which by itself does not stop it.
   */
  async watch(
    onProgress: (progress: RebuildProgress) => void,
    signal: AbortSignal,
  ): Promise<RebuildProgress> {
    const leaving = Promise.withResolvers<never>();
    const onAbort = () => leaving.reject(signal.reason);
    signal.addEventListener("abort", onAbort);
    this.#watchers.add(onProgress);
    try {
      signal.throwIfAborted();
      return await Promise.race([this.#finished.promise, leaving.promise]);
    } finally {
      this.#watchers.delete(onProgress);
      signal.removeEventListener("abort", onAbort);
    }
  }

  report(end: number): void {
    for (const onProgress of this.#watchers) onProgress(this.#progress(end));
  }

  finish(): void {
    this.#finished.resolve(this.#progress(this.projection.position));
  }

  stop(reason: unknown): void {
    this.#isStopped = true;
    this.#finished.reject(reason);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Resolves when its projection is closed, which another build can go on with. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  setClosed(): void {
    this.#closed.resolve();
  }

  #progress(end: number): RebuildProgress {
    const { generation, firstOffset: first, position, deadLetters } = this.projection;
    return { generation, first, position, end, deadLetters };
  }
}
