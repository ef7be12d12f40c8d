// Protobuf's binary format, written by hand where an event goes from bytes to bytes: texts of less than 16,384 bytes, whose
// lengths take no more than two.

import { WireType } from "@bufbuild/protobuf/wire";

/** The bytes that are written to, and how far they have been. Whoever makes it knows that there is room. */
export interface Target {
  readonly bytes: Buffer;
  at: number;
}

/** The tag of a field that has a length. */
export function writeTag(target: Target, field: number): void {
  target.bytes[target.at++] = (field << 3) | WireType.LengthDelimited;
}

export function writeLength(target: Target, length: number): void {
  if (length >= 0x80) target.bytes[target.at++] = (length & 0x7f) | 0x80;
  target.bytes[target.at++] = length >= 0x80 ? length >>> 7 : length;
}

/** By a loop, as the parts are short: what set() or copy() cost before they begin is more. */
export function copy(target: Target, from: Uint8Array, start: number, end: number): void {
  const { bytes } = target;
  let { at } = target;
  for (let index = start; index < end; index += 1) bytes[at++] = from[index] ?? 0;
  target.at = at;
}
