// What a part of a question was resolved to, or why it is refused, in words that fit an error answer.

export type Checked<T> = { readonly ok: true; readonly value: T } | Refused;

export interface Refused {
  readonly ok: false;
  readonly reason: string;
}

/** So much of a text is shown in a reason. */
const MAX_QUOTED_LENGTH = 60;

export function refused(reason: string): Refused {
  return { ok: false, reason };
}

export function checked<T>(value: T): Checked<T> {
  return { ok: true, value };
}

/** What all items are resolved to, or the first refusal, which ends it. */
export function allChecked<T, R>(
  items: readonly T[],
  check: (item: T, index: number) => Checked<R>,
): Checked<readonly R[]> {
  const values: R[] = [];
  for (const [index, item] of items.entries()) {
    const one = check(item, index);
    if (!one.ok) return one;
    values.push(one.value);
  }
  return checked(values);
}

/** A text in quotes, with control characters escaped, and cut when it is long. */
export function quoted(text: string): string {
  const isLong = text.length > MAX_QUOTED_LENGTH;
  return JSON.stringify(isLong ? `${text.slice(0, MAX_QUOTED_LENGTH)}…` : text);
}

/** The first text that is there twice. */
export function duplicateOf(texts: readonly string[]): string | undefined {
  return texts.find((text, index) => texts.indexOf(text) !== index);
}
