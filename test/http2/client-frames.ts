// The frames that clients of HTTP/2 send (RFC 9113, 6), each as its bytes.

import { type HeaderField, literalBlock } from "../../src/http2/hpack.ts";
import { http2Frame } from "./bytes.ts";

export const Type = {
  ...{ data: 0, headers: 1, priority: 2, rstStream: 3, settings: 4, pushPromise: 5, ping: 6, goaway: 7 },
  ...{ windowUpdate: 8, continuation: 9, unknown: 0x21 },
} as const;
export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;
export const Setting = { headerTableSize: 1, initialWindowSize: 4, maxFrameSize: 5 } as const;
/** RFC 9113, 7. */
export const Code = {
  ...{ noError: 0, protocolError: 1, internalError: 2, flowControlError: 3, frameSizeError: 6 },
  ...{ refusedStream: 7, cancel: 8, compressionError: 9, enhanceYourCalm: 11 },
} as const;

/** Numbers of four bytes each. */
export function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

/** HEADERS with a block of literals. */
export function headers(streamId: number, fields: readonly HeaderField[], isLast = false): Buffer {
  const flags = Flag.endHeaders | (isLast ? Flag.endStream : 0);
  return http2Frame(Type.headers, flags, streamId, literalBlock(fields));
}

export function data(streamId: number, body: string | Buffer, isLast = true): Buffer {
  return http2Frame(Type.data, isLast ? Flag.endStream : 0, streamId, Buffer.from(body));
}

/** DATA whose payload has `padding` bytes more, and one that says so. */
export function paddedData(streamId: number, body: string | Buffer, padding: number, isLast = true): Buffer {
  const payload = Buffer.concat([Buffer.of(padding), Buffer.from(body), Buffer.alloc(padding)]);
  return http2Frame(Type.data, Flag.padded | (isLast ? Flag.endStream : 0), streamId, payload);
}

export function reset(streamId: number, code: number = Code.cancel): Buffer {
  return http2Frame(Type.rstStream, 0, streamId, numbers(code));
}

/** Stream 0 is the session. */
export function windowUpdate(streamId: number, growth: number): Buffer {
  return http2Frame(Type.windowUpdate, 0, streamId, numbers(growth));
}

export function settings(...pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = pairs.map(([id, value]) => Buffer.concat([Buffer.of(0, id), numbers(value)]));
  return http2Frame(Type.settings, 0, 0, Buffer.concat(payload));
}

export function ping(payload: string | Buffer, isAnswer = false): Buffer {
  return http2Frame(Type.ping, isAnswer ? Flag.ack : 0, 0, Buffer.from(payload));
}
