import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeDurableMark,
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeDurableMark,
  encodeFrame,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  frameIsWhole,
  segmentName,
  segmentOfName,
} from "../../src/log/format.ts";

const group = (text: string, count: number) => ({ bytes: Buffer.from(text), count });
const logId = "0198c0de-0000-7000-8000-0123456789ab";
const offset = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test("a segment header is read as it was written", () => {
  fc.assert(
    fc.property(offset, offset, (firstOffset, receivedBeforeMs) => {
      const header = { logId, firstOffset, receivedBeforeMs };
      expect(decodeSegmentHeader(encodeSegmentHeader(header))).toMatchObject(header);
    }),
  );
});

test("a segment header with any bit flipped is refused", () => {
  const bytes = encodeSegmentHeader({ logId, firstOffset: 7, receivedBeforeMs: 9 });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    expect(decodeSegmentHeader(flipped(bytes, bit)), `bit ${bit}`).toBeTypeOf("string");
  }
});

test("a durable mark is read as it was written, and not at all with any bit flipped", () => {
  const mark = { logId, segment: 5, nextOffset: 2 ** 40, position: 2 ** 33, crc: 0xfedcba98 };
  const bytes = encodeDurableMark(mark);
  expect(decodeDurableMark(bytes)).toEqual(mark);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    expect(decodeDurableMark(flipped(bytes, bit)), `bit ${bit}`).toBeUndefined();
  }
});

test("a frame is whole as written, and not with any bit flipped", () => {
  const { bytes, crc } = encodeFrame([group("one", 1), group("two", 1)], 41, 0xdeadbeef);
  const header = decodeFrameHeader(bytes);
  expect(header).toMatchObject({ firstOffset: 41, count: 2, previousCrc: 0xdeadbeef, payloadBytes: 6, crc });
  expect(header && frameIsWhole(header, bytes)).toBe(true);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const damaged = flipped(bytes, bit);
    const damagedHeader = decodeFrameHeader(damaged);
    const isWhole = damagedHeader !== undefined && frameIsWhole(damagedHeader, damaged);
    expect(isWhole, `bit ${bit}`).toBe(false);
  }
});

test("a frame opens and closes with a byte that no UTF-8 text has", () => {
  const { bytes } = encodeFrame([group("\0".repeat(600), 1)], 0, 0);
  expect(bytes[0]).toBe(0xff);
  expect(bytes.at(-1)).toBe(0xff);
  expect(bytes.length).toBe(FRAME_HEADER_BYTES + 600 + 1);
});

test("a segment's name has its first offset in 20 digits, and other names are no segments", () => {
  expect(segmentName(123)).toBe("00000000000000000123.log");
  expect(segmentOfName("00000000000000000123.log")).toBe(123);
  for (const name of ["durable", "123.log", "00000000000000000123.log.tmp", "x00000000000000000123.log"]) {
    expect(segmentOfName(name)).toBeUndefined();
  }
});

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
