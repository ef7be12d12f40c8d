// What messages may have: bytes, and things in them. Four million bytes of empty events take seconds to decode, and are four
// thousand when they are compressed. So compressed messages in the binary format, and all in JSON, are refused before they are decoded
// when they have more than any message of ours needs. What comes uncompressed costs its sender more than us.

import { WireType } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";

/** The longest message of a single event, and of a batch, in bytes. */
export const MAX_EVENT_BYTES = 64 * 1024;
export const MAX_BATCH_BYTES = 4 * 1024 * 1024;
export const MAX_BATCH_EVENTS = 10_000;

/** Of a message in the binary format: twice as many as a batch has events, so that one with too many is told how many it has. */
const MAX_FIELDS = 2 * MAX_BATCH_EVENTS;
/** Of a message in JSON, objects and lists: an event is one, and has one or two. */
const MAX_VALUES = 5 * MAX_BATCH_EVENTS;

const [QUOTE, BACKSLASH, BRACE, BRACKET] = Buffer.from('"\\{[');

/** `compression` of messages in the binary format, refusing those with too many fields, whatever they are. */
export function withFieldLimit(compression: Compression): Compression {
  return {
    ...compression,
    decompress: async (bytes, readMaxBytes) => {
      const message = await compression.decompress(bytes, readMaxBytes);
      if (countFields(message, MAX_FIELDS) > MAX_FIELDS) throw tooMany(`${MAX_FIELDS} fields`);
      return message;
    },
  };
}

/** As a TextDecoder of UTF-8 that takes nothing else; of texts in JSON that do not have too many objects and lists. */
export const limitedJsonDecoder = {
  decode(bytes: Uint8Array): string {
    if (countValues(bytes) > MAX_VALUES) throw tooMany(`${MAX_VALUES} objects and lists`);
    return strictDecoder.decode(bytes);
  },
};

const strictDecoder = new TextDecoder("utf-8", { fatal: true });

function tooMany(what: string): ConnectError {
  return new ConnectError(
    `the message has more than ${what}; at most ${MAX_BATCH_EVENTS} events are allowed: split the batch`,
    Code.InvalidArgument,
  );
}

/** How many objects and lists a text in JSON begins, in UTF-8; of a text that is none, anything. */
function countValues(bytes: Uint8Array): number {
  let count = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === BRACE || byte === BRACKET) count += 1;
  }
  return count;
}

/** How many fields a message has, up to one more than `most`; fewer when it cannot be read on, as decoding ends there, too. */
function countFields(bytes: Uint8Array, most: number): number {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; at < bytes.length; scale *= 0x80) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value;
  };
  let count = 0;
  while (at < bytes.length && count <= most) {
    count += 1;
    switch (varint() & 7) {
      case WireType.Varint:
        varint();
        break;
      case WireType.Bit64:
        at += 8;
        break;
      case WireType.Bit32:
        at += 4;
        break;
      case WireType.LengthDelimited: {
        const length = varint();
        at += length;
        break;
      }
      case WireType.StartGroup:
      case WireType.EndGroup:
        break;
      default:
        return count;
    }
  }
  return count;
}
