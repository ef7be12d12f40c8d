// What every text of an event has to be: UTF-8 of a bounded length, without control characters.

/**
 * What is wrong with a text field; undefined when nothing is. A text of several lines may have line feeds, carriage
 * returns and tabs, and no other control characters.
 */
export function textProblem(
  field: string,
  text: string,
  maxBytes: number,
  mayHaveLines = false,
): string | undefined {
  // A UTF-16 unit is at most three bytes of UTF-8, so a short text needs no counting.
  if (text.length * 3 > maxBytes) {
    const bytes = Buffer.byteLength(text);
    if (bytes > maxBytes) return `${field} is ${bytes} bytes long; at most ${maxBytes} are allowed`;
  }
  let hasSurrogates = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (isControl(unit) && !(mayHaveLines && isOfLines(unit))) {
      return `${field} must not contain control characters`;
    }
    hasSurrogates ||= unit >= 0xd800 && unit <= 0xdfff;
  }
  if (hasSurrogates && !text.isWellFormed()) return `${field} must not contain lone surrogates`;
  return undefined;
}

/** Unicode's category Cc. */
function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit <= 0x9f);
}

function isOfLines(unit: number): boolean {
  return unit === TAB || unit === LINE_FEED || unit === CARRIAGE_RETURN;
}

const [TAB, LINE_FEED, CARRIAGE_RETURN] = [0x09, 0x0a, 0x0d];
