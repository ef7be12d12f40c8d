// The order of texts by their code points, which is that of their UTF-8 bytes, and SQLite's. JavaScript's own is that of
// UTF-16, in which code points beyond U+FFFF come before some others.

const SURROGATES = 0xd800;

/** Below 0 when `a` comes before `b`, above 0 when it comes after, 0 when they are the same. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rankOf(left) - rankOf(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for what is beyond all other units. */
function rankOf(unit: number): number {
  if (unit < SURROGATES) return unit;
  return unit <= 0xdfff ? unit + 0x2000 : unit - 0x800;
}
