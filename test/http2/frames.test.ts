// Bytes are cut into frames, however they come.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  ErrorCode,
  type Frame,
  FrameSplitter,
  frameOf,
  MAX_PAYLOAD_BYTES,
  payloadOf,
  SessionError,
  setStreamId,
} from "../../src/http2/frames.ts";
import { http2Frame } from "./bytes.ts";

const DATA = 0;
const PADDED = 0x8;

/** The frames that come of these pieces, copied when they come. */
function framesOf(pieces: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const splitter = new FrameSplitter();
  for (const piece of pieces) {
    splitter.push(piece, (frame) => frames.push({ ...frame, bytes: Buffer.from(frame.bytes) }));
  }
  return frames;
}

const frame = fc.record({
  type: fc.nat(255),
  flags: fc.nat(255),
  streamId: fc.oneof(fc.nat(9), fc.integer({ min: 0, max: 2 ** 31 - 1 })),
  payload: fc.oneof(
    { arbitrary: fc.uint8Array({ maxLength: 30 }), weight: 9 },
    {
      arbitrary: fc
        .constantFrom(MAX_PAYLOAD_BYTES - 1, MAX_PAYLOAD_BYTES)
        .map((length) => new Uint8Array(length)),
      weight: 1,
    },
  ),
});

test("any cutting gives the same frames", () => {
  const frames = fc.array(frame, { minLength: 1, maxLength: 8 });
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 12 }), fc.nat(20_000)), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(frames, lengths, (all, cuts) => {
      const expected = all.map(({ payload, ...head }) => ({
        ...head,
        bytes: http2Frame(head.type, head.flags, head.streamId, Buffer.from(payload)),
      }));
      const bytes = Buffer.concat(expected.map(({ bytes }) => bytes));
      const pieces: Buffer[] = [];
      let at = 0;
      for (const length of cuts) {
        pieces.push(bytes.subarray(at, at + length));
        at += length;
      }
      pieces.push(bytes.subarray(at));
      expect(framesOf(pieces)).toEqual(expected);
    }),
  );
});

test("a byte at a time gives the same frames", () => {
  const bytes = Buffer.concat([
    http2Frame(1, 2, 3, Buffer.from("abc")),
    http2Frame(4, 5, 0, Buffer.of()),
    http2Frame(6, 7, 8, Buffer.from("d")),
  ]);
  expect(framesOf([...bytes].map((byte) => Buffer.of(byte)))).toEqual(framesOf([bytes]));
  expect(framesOf([bytes]).map(({ type, flags, streamId }) => [type, flags, streamId])).toEqual([
    [1, 2, 3],
    [4, 5, 0],
    [6, 7, 8],
  ]);
});

test("a frame is given as soon as it is complete, and what follows it is not", () => {
  const splitter = new FrameSplitter();
  const types: number[] = [];
  const push = (bytes: Buffer) => splitter.push(bytes, ({ type }) => types.push(type));
  const bytes = http2Frame(1, 0, 1, Buffer.from("abc"));
  push(bytes.subarray(0, -1));
  expect(types).toEqual([]);
  push(Buffer.concat([bytes.subarray(-1), http2Frame(2, 0, 1, Buffer.of()).subarray(0, 8)]));
  expect(types).toEqual([1]);
  push(Buffer.of(1));
  expect(types).toEqual([1, 2]);
});

test("the highest bit of a stream's number is nothing", () => {
  const bytes = http2Frame(1, 0, 5, Buffer.of());
  bytes[5] = 0x80;
  expect(framesOf([bytes])[0]?.streamId).toBe(5);
});

test("a frame that is too long is refused by its head, whole or in parts, and those before it are given", () => {
  const head = http2Frame(DATA, 0, 1, Buffer.alloc(MAX_PAYLOAD_BYTES + 1)).subarray(0, 9);
  for (const pieces of [[head], [head.subarray(0, 4), head.subarray(4)]]) {
    const splitter = new FrameSplitter();
    let count = 0;
    splitter.push(http2Frame(DATA, 0, 1, Buffer.alloc(MAX_PAYLOAD_BYTES)), () => {
      count += 1;
    });
    expect(() => {
      for (const piece of pieces) splitter.push(piece, () => {});
    }).toThrow(expect.objectContaining({ code: ErrorCode.frameSizeError }));
    expect(count).toBe(1);
  }
});

test("a frame is made as others make it, and may be given to another stream", () => {
  fc.assert(
    fc.property(
      frame,
      fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      ({ type, flags, streamId, payload }, other) => {
        const bytes = frameOf(type, flags, streamId, Buffer.from(payload));
        expect(bytes).toEqual(http2Frame(type, flags, streamId, Buffer.from(payload)));
        setStreamId(bytes, other);
        expect(bytes).toEqual(http2Frame(type, flags, other, Buffer.from(payload)));
      },
    ),
  );
});

function payload(flags: number, bytes: Buffer): string {
  return String(payloadOf({ type: DATA, flags, streamId: 1, bytes: http2Frame(DATA, flags, 1, bytes) }));
}

test("the padding is not a part of the payload", () => {
  expect(payload(0, Buffer.from("\x02abc"))).toBe("\x02abc");
  expect(payload(PADDED, Buffer.from("\x00abc"))).toBe("abc");
  expect(payload(PADDED, Buffer.from("\x02abc"))).toBe("a");
  expect(payload(PADDED, Buffer.from("\x03abc"))).toBe("");
  expect(payload(PADDED, Buffer.from("\x00"))).toBe("");
});

test.each(["", "\x01", "\x04abc", "\xffabc"])(
  "a padding that is longer than the payload (%j) is refused",
  (text) => {
    const refusal = expect.objectContaining({ code: ErrorCode.protocolError });
    expect(() => payload(PADDED, Buffer.from(text, "latin1"))).toThrow(refusal);
    expect(() => payload(PADDED, Buffer.from(text, "latin1"))).toThrow(SessionError);
  },
);
