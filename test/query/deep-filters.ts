// Filters that are nested far deeper than anybody nests them, made without recursion: our own stack is to stand it.

import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** Field numbers of Filter. */
const [CONDITION, NOT] = [1, 4] as const;

/** A filter of `depth` negations around a condition, as JSON. */
export function nestedFilterJson(depth: number): string {
  return `${'{"not":'.repeat(depth)}{"condition":{}}${"}".repeat(depth)}`;
}

/** The same in binary, as the field `filterField` of a message that has the texts `fields` besides. */
export function nestedFilterBytes(
  depth: number,
  filterField: number,
  fields: Readonly<Record<number, string>>,
): Uint8Array<ArrayBuffer> {
  // From the inside to the outside, as each head has the length of all that is in it.
  const heads: Uint8Array[] = [];
  let length = 0;
  for (let level = 0; level <= depth + 1; level += 1) {
    const field = level === 0 ? CONDITION : level <= depth ? NOT : filterField;
    const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
    heads.push(head);
    length += head.length;
  }
  const texts = Object.entries(fields).map(([field, text]) =>
    new BinaryWriter().tag(Number(field), WireType.LengthDelimited).string(text).finish(),
  );
  return new Uint8Array(Buffer.concat([...texts, ...heads.reverse()]));
}
