// Cutting and cleaning of texts.

const CONTROL_CHARACTERS = /\p{Cc}+/gu;

const encoder = new TextEncoder();

/** As many whole characters of `text`, from its beginning, as `maxBytes` bytes of UTF-8 hold. */
export function headOf(text: string, maxBytes: number): string {
  // A UTF-16 unit is at most three bytes of UTF-8, so a short text needs no counting; and at least one byte.
  if (text.length * 3 <= maxBytes) return text;
  const { read } = encoder.encodeInto(text.slice(0, maxBytes), new Uint8Array(maxBytes));
  return text.slice(0, read);
}

/** `text` without control characters. */
export function withoutControls(text: string): string {
  return text.replace(CONTROL_CHARACTERS, "");
}
