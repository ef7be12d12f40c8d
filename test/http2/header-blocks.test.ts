// Header blocks that come in any frames are put together, and go out in frames that are not too long.

import fc from "fast-check";
import { expect, test } from "vitest";
import { ErrorCode, type Frame, FrameSplitter, MAX_PAYLOAD_BYTES } from "../../src/http2/frames.ts";
import { type HeaderBlock, HeaderBlocks, headerFrames } from "../../src/http2/header-blocks.ts";
import { http2Frame } from "./bytes.ts";
import { Flag, Type } from "./client-frames.ts";

function split(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  new FrameSplitter().push(bytes, (frame) => frames.push(frame));
  return frames;
}

/** The blocks in these frames. */
function blocksOf(...frames: readonly Buffer[]): HeaderBlock[] {
  const blocks = new HeaderBlocks();
  return split(Buffer.concat(frames)).flatMap((frame) => {
    blocks.check(frame);
    const isPart = frame.type === Type.headers || frame.type === Type.continuation;
    return (isPart && blocks.push(frame)) || [];
  });
}

const headers = (flags: number, payload: Buffer | string, id = 1) =>
  http2Frame(Type.headers, flags, id, Buffer.from(payload));
const continuation = (flags: number, payload: Buffer | string, id = 1) =>
  http2Frame(Type.continuation, flags, id, Buffer.from(payload));
const { endHeaders, endStream, padded, priority } = Flag;

test("a block comes in one frame, with padding and priority, or without", () => {
  const block = { streamId: 1, isLast: false, bytes: Buffer.from("block") };
  expect(blocksOf(headers(endHeaders, "block"))).toEqual([block]);
  expect(blocksOf(headers(endHeaders | endStream, "block"))).toEqual([{ ...block, isLast: true }]);
  expect(blocksOf(headers(endHeaders | padded, "\x02blockxx"))).toEqual([block]);
  expect(blocksOf(headers(endHeaders | priority, "12345block"))).toEqual([block]);
  expect(blocksOf(headers(endHeaders | padded | priority, "\x0212345blockxx"))).toEqual([block]);
  expect(blocksOf(headers(endHeaders, ""))).toEqual([{ ...block, bytes: Buffer.of() }]);
});

test("a block comes in many frames, of which the first says whether the stream ends", () => {
  const frames = [
    headers(endStream, "bl"),
    continuation(0, ""),
    continuation(endStream, "oc"),
    continuation(endHeaders, "k"),
  ];
  expect(blocksOf(...frames, headers(endHeaders, "next", 3))).toEqual([
    { streamId: 1, isLast: true, bytes: Buffer.from("block") },
    { streamId: 3, isLast: false, bytes: Buffer.from("next") },
  ]);
});

test.each([
  ["CONTINUATION of nothing", [continuation(endHeaders, "a")]],
  ["CONTINUATION behind the end", [headers(endHeaders, "a"), continuation(endHeaders, "b")]],
  ["CONTINUATION of another stream", [headers(0, "a"), continuation(endHeaders, "b", 3)]],
  ["another block within", [headers(0, "a"), headers(endHeaders, "b", 3)]],
  ["the same head within", [headers(0, "a"), headers(endHeaders, "b")]],
  ["DATA within", [headers(0, "a"), http2Frame(Type.data, 0, 1, Buffer.of())]],
  ["an unknown frame within", [headers(0, "a"), http2Frame(Type.unknown, 0, 1, Buffer.of())]],
  ["a frame that is all padding", [headers(endHeaders | padded, "\x06block")]],
])("%s is refused", (_, frames) => {
  expect(() => blocksOf(...frames)).toThrow(expect.objectContaining({ code: ErrorCode.protocolError }));
});

test("a frame that has no room for its priority is refused", () => {
  const refusal = expect.objectContaining({ code: ErrorCode.frameSizeError });
  expect(() => blocksOf(headers(endHeaders | priority, "1234"))).toThrow(refusal);
  expect(() => blocksOf(headers(endHeaders | priority | padded, "\x0212345x"))).toThrow(refusal);
});

test("a block of 16 frames is taken, and one of more is not, be they empty", () => {
  const open = (count: number) => [
    headers(0, "a"),
    ...Array.from({ length: count }, () => continuation(0, "")),
  ];
  expect(blocksOf(...open(14), continuation(endHeaders, "b"))).toEqual([
    { streamId: 1, isLast: false, bytes: Buffer.from("ab") },
  ]);
  expect(() => blocksOf(...open(15))).toThrow(expect.objectContaining({ code: ErrorCode.enhanceYourCalm }));
});

test("a block of more than 64 KiB is refused before it has ended", () => {
  const part = Buffer.alloc(MAX_PAYLOAD_BYTES);
  const frames = [headers(0, part), ...Array.from({ length: 3 }, () => continuation(0, part))];
  expect(blocksOf(...frames, continuation(endHeaders, ""))[0]?.bytes.length).toBe(65_536);
  expect(() => blocksOf(...frames, continuation(0, "a"))).toThrow(
    expect.objectContaining({ code: ErrorCode.enhanceYourCalm }),
  );
});

test("what goes out comes in the same", () => {
  const length = fc.oneof(
    fc.nat(100),
    fc.constantFrom(0, 16_383, 16_384, 16_385, 32_768, 65_536),
    fc.nat(65_536),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.boolean(),
      length,
      fc.nat(255),
      (streamId, isLast, bytes, fill) => {
        const block = { streamId, isLast, bytes: Buffer.alloc(bytes, fill) };
        const frames = split(headerFrames(block));
        expect(frames.length).toBe(Math.max(1, Math.ceil(bytes / MAX_PAYLOAD_BYTES)));
        expect(blocksOf(...frames.map((frame) => frame.bytes))).toEqual([block]);
      },
    ),
  );
});
