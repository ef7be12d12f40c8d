// Timestamps read from bytes. The last one is remembered: events of a batch often have the same.

import { formatTimestamp, parseTimestamp } from "./timestamp.ts";

/** A time in its canonical form, as bytes. */
export interface CanonicalTime {
  readonly utc: Uint8Array;
  readonly epochMs: number;
}

export class TimeMemo {
  #text: Uint8Array = new Uint8Array(0);
  #ofText: CanonicalTime | undefined;
  #ofMs: CanonicalTime | undefined;

  /** The time that the text in `bytes` from `start` to `end` is; undefined when it is none. */
  ofText(bytes: Uint8Array, start: number, end: number): CanonicalTime | undefined {
    if (!this.#isLast(bytes, start, end)) {
      this.#text = new Uint8Array(bytes.subarray(start, end));
      // A text of other characters than ASCII is no time, however it is read.
      const time = parseTimestamp(Buffer.from(this.#text).toString("latin1"));
      this.#ofText = time && { utc: Buffer.from(time.utc), epochMs: time.epochMs };
    }
    return this.#ofText;
  }

  /** The time `epochMs`, in ms since 1970-01-01T00:00:00Z. */
  ofMs(epochMs: number): CanonicalTime {
    if (this.#ofMs?.epochMs !== epochMs) this.#ofMs = { utc: Buffer.from(formatTimestamp(epochMs)), epochMs };
    return this.#ofMs;
  }

  #isLast(bytes: Uint8Array, start: number, end: number): boolean {
    const text = this.#text;
    if (text.length !== end - start) return false;
    for (let at = 0; at < text.length; at += 1) if (text[at] !== bytes[start + at]) return false;
    return true;
  }
}
