// Reads protobuf's wire format where protobuf's own reader does not check, or makes objects.

import type { BinaryReader } from "@bufbuild/protobuf/wire";

/** Reads a length; where what is behind it ends, which must not be behind `limit`. */
export function endOf(reader: BinaryReader, limit: number): number {
  const end = reader.uint32() + reader.pos;
  if (end > limit) throw new RangeError("a field is longer than what it is in");
  return end;
}

/** Reads a varint of up to 2^53 - 1 from `payload`, which `reader` reads and which protobuf's reader would make a BigInt of. */
export function readNumber(reader: BinaryReader, payload: Uint8Array, limit: number): number {
  let number = 0;
  for (let factor = 1; reader.pos < limit; factor *= 0x80) {
    const byte = payload[reader.pos] ?? 0;
    reader.pos += 1;
    number += (byte & 0x7f) * factor;
    if (byte < 0x80) return number;
  }
  throw new RangeError("a number is longer than what it is in");
}
