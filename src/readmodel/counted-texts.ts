// Reads how often texts are there from the JSON of an object, without making strings of them: there may be very many.

/** Different texts, as UTF-8. */
export interface CountedTexts {
  readonly bytes: Buffer;
  /** Where each begins in the bytes, and where it ends. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** How often it is there. */
  readonly counts: Float64Array;
}

const [QUOTE, BACKSLASH, ZERO, NINE] = [0x22, 0x5c, 0x30, 0x39];

/** `json` is as JSON.stringify would write it: an object that has `different` members. */
export function countedTexts(json: string, different: number): CountedTexts {
  const bytes = Buffer.from(json);
  const starts = new Uint32Array(different);
  const ends = new Uint32Array(different);
  const counts = new Float64Array(different);
  // Behind the brace; a member ends with a comma or the brace.
  let at = 1;
  for (let place = 0; place < different; place += 1) {
    const start = at + 1;
    let end = start;
    let isEscaped = false;
    for (; end < bytes.length && bytes[end] !== QUOTE; end += 1) {
      if (bytes[end] !== BACKSLASH) continue;
      isEscaped = true;
      end += 1;
    }
    starts[place] = start;
    ends[place] = isEscaped ? unescaped(bytes, start, end) : end;
    let count = 0;
    for (at = end + 2; isDigit(bytes[at]); at += 1) count = 10 * count + (bytes[at] ?? 0) - ZERO;
    counts[place] = count;
    at += 1;
  }
  if ((different === 0 ? 2 : at) !== bytes.length)
    throw new Error(`the JSON of ${different} counted texts has others, or more`);
  return { bytes, starts, ends, counts };
}

/** Such JSON. */
export function toJson(counts: readonly (readonly [text: string, count: number])[]): string {
  return `{${counts.map(([text, count]) => `${JSON.stringify(text)}:${count}`).join(",")}}`;
}

/** Puts a text in the place of what it is in JSON, which is never shorter; where it ends then. */
function unescaped(bytes: Buffer, start: number, end: number): number {
  const text: string = JSON.parse(bytes.toString("utf8", start - 1, end + 1));
  return start + bytes.write(text, start);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}
