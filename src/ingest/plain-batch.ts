// The events of an IngestEventsRequest as bytes (protobuf's binary format), where it has nothing but them, with no length
// longer than it need be, and none of them is longer than plain ones are (plain-events.ts).

import { WireType } from "@bufbuild/protobuf/wire";

/** The tag of the field `events`. */
const EVENT = (1 << 3) | WireType.LengthDelimited;

/** The length at `at`, a varint of one byte or two; -1 when it is none, or one that is longer than it need be. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const low = bytes[at] ?? 0x80;
  if (low < 0x80) return low;
  const high = bytes[at + 1] ?? 0;
  return high === 0 || high >= 0x80 ? -1 : (low & 0x7f) | (high << 7);
}

/** How many bytes such a length has. */
export function sizeOfLength(length: number): number {
  return length < 0x80 ? 1 : 2;
}

/** Where in `message` the event ends whose tag is at `at`; -1 when there is none, or it is not whole. */
export function endOfEvent(message: Uint8Array, at: number): number {
  const length = message[at] === EVENT ? lengthAt(message, at + 1) : -1;
  const end = at + 1 + sizeOfLength(length) + length;
  return length >= 0 && end <= message.length ? end : -1;
}

/** How many events a message has; undefined when it is not as above. */
export function countEvents(message: Uint8Array): number | undefined {
  let count = 0;
  let at = 0;
  for (; at >= 0 && at < message.length; at = endOfEvent(message, at)) count += 1;
  return at < 0 ? undefined : count;
}
