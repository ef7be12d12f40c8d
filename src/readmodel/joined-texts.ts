// Texts as one: to hand a text over to another thread, or to make one, costs as much as to copy thousands of characters.

export interface JoinedTexts {
  readonly all: string;
  /** How long each is, in UTF-16 units. */
  readonly lengths: Uint32Array<ArrayBuffer>;
}

export function joined(texts: readonly string[]): JoinedTexts {
  return { all: texts.join(""), lengths: new Uint32Array(texts.map(({ length }) => length)) };
}

export function parted({ all, lengths }: JoinedTexts): string[] {
  const texts: string[] = [];
  let start = 0;
  for (let index = 0; index < lengths.length; index += 1) {
    const end = start + (lengths[index] ?? 0);
    texts.push(all.slice(start, end));
    start = end;
  }
  return texts;
}
