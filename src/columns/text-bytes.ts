// Reads the texts of a JSON array without making strings of them: there may be very many.

/** Texts as UTF-8. */
export interface TextBytes {
  readonly bytes: Buffer;
  /** Where each begins in the bytes, and where it ends. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** `json` is as JSON.stringify writes an array of texts. */
export function readTexts(json: Buffer): TextBytes {
  const bytes = Buffer.from(json);
  const starts: number[] = [];
  const ends: number[] = [];
  // Behind the bracket; a text is followed by a comma or the other bracket.
  for (let at = 1; bytes[at] === QUOTE; ) {
    const start = at + 1;
    let end = start;
    let isEscaped = false;
    for (; end < bytes.length && bytes[end] !== QUOTE; end += 1) {
      if (bytes[end] !== BACKSLASH) continue;
      isEscaped = true;
      end += 1;
    }
    starts.push(start);
    ends.push(isEscaped ? unescaped(bytes, start, end) : end);
    at = end + 2;
  }
  return { bytes, starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
}

/** Puts a text in the place of what it is in JSON, which is never shorter; where it ends then. */
function unescaped(bytes: Buffer, start: number, end: number): number {
  const text: string = JSON.parse(bytes.toString("utf8", start - 1, end + 1));
  return start + bytes.write(text, start);
}
