// Sessions of a site that changed in the batch that is being folded or in the one before, which may not be written yet. They are
// only put in order when one is looked for: most logs are about in order of time, and need none of them.

import type { KnownSession } from "./streams.ts";

export class UnwrittenSessions {
  #changed = new ByStream();
  #changedBefore = new ByStream();

  /** Takes a session that changes in this batch for the first time, or that is gone with it. */
  add(known: KnownSession): void {
    this.#changed.sessions.push(known);
  }

  /** Those of a stream as they are now, the gone ones among them; the same one may come twice. */
  ofStream(stream: number): readonly KnownSession[] {
    return [...this.#changedBefore.of(stream), ...this.#changed.of(stream)];
  }

  /** Those of this batch, which ends: the next one begins. */
  endBatch(): readonly KnownSession[] {
    const { sessions } = this.#changed;
    this.#changedBefore = this.#changed;
    this.#changed = new ByStream();
    return sessions;
  }

  /** Forgets those of the batch before this one, when that is written. */
  forget(): void {
    this.#changedBefore = new ByStream();
  }
}

class ByStream {
  readonly sessions: KnownSession[] = [];
  readonly #streams = new Map<number, KnownSession[]>();
  /** How many of the sessions are in their stream's list. */
  #listed = 0;

  of(stream: number): readonly KnownSession[] {
    for (; this.#listed < this.sessions.length; this.#listed += 1) {
      const known = this.sessions[this.#listed];
      if (known) this.#listOf(known.stream).push(known);
    }
    return this.#streams.get(stream) ?? [];
  }

  #listOf(stream: number): KnownSession[] {
    let list = this.#streams.get(stream);
    if (!list) {
      list = [];
      this.#streams.set(stream, list);
    }
    return list;
  }
}
