import { once } from "node:events";
import { createServer } from "node:http2";
import { duplexPair } from "node:stream";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type HeaderField, HpackDecoder, literalBlock } from "../../src/http2/hpack.ts";
import { HpackEncoder } from "../../src/http2/hpack-encoder.ts";
import { STATIC_FIELDS } from "../../src/http2/hpack-tables.ts";
import { HTTP2_PREFACE, http2Frame } from "./bytes.ts";
import { Flag, settings, Type } from "./client-frames.ts";
import { HeaderEncoder } from "./header-encoder.ts";

const MAX_LIST_BYTES = 10_000_000;
const LONG = { name: "x-long", value: "v".repeat(3900) };

/** A value for each index of the lists below, so that the same fields come again; some take most of the table. */
const length = fc.oneof(fc.nat(200), fc.constantFrom(63, 64, 1900, 4000, 4060, 4070, 5000));
const text = fc
  .tuple(fc.nat(25), length)
  .map(([letter, count]) => String.fromCharCode(97 + letter).repeat(count));
const field = fc.oneof(fc.record({ name: text, value: text }), fc.constantFrom(...STATIC_FIELDS));
const requests = fc.array(
  fc.tuple(fc.array(fc.nat(5), { maxLength: 8 }), fc.array(fc.nat(), { minLength: 1 })),
  {
    maxLength: 40,
  },
);

test("what a client sent, in whatever ways, is the same when it is encoded anew", () => {
  let literalBytes = 0;
  let bytes = 0;
  fc.assert(
    fc.property(fc.array(field, { minLength: 6, maxLength: 6 }), requests, (known, all) => {
      const client = new HeaderEncoder();
      const front = new HpackDecoder(MAX_LIST_BYTES);
      const encoder = new HpackEncoder();
      const behind = new HpackDecoder(MAX_LIST_BYTES);
      for (const [indexes, choices] of all) {
        const list = indexes.flatMap((index) => known[index] ?? []);
        const fields = front.decode(client.encode(list, choices)) ?? [];
        const block = encoder.encode(fields);
        expect(behind.decode(block)).toEqual(list);
        literalBytes += literalBlock(list).length;
        bytes += block.length;
      }
    }),
    { numRuns: 300 },
  );
  expect(bytes).toBeLessThan(literalBytes);
});

test("fields that are long, and names, take a byte or a few when they come again", () => {
  const encoder = new HpackEncoder();
  const longName = { name: "n".repeat(3900), value: "" };
  encoder.encode([LONG]);
  expect(encoder.encode([LONG, LONG]).length).toBe(2);
  encoder.encode([longName]);
  expect(encoder.encode([{ name: longName.name, value: "v" }]).length).toBeLessThan(6);
});

test("short fields do not take the place of a long one", () => {
  const encoder = new HpackEncoder();
  encoder.encode([LONG]);
  for (let n = 0; n < 100; n += 1) encoder.encode([{ name: ":path", value: `/${n}` }]);
  expect(encoder.encode([LONG]).length).toBe(1);
});

test("blocks are read by a server of node:http2", async () => {
  const [near, far] = duplexPair();
  const server = createServer();
  onTestFinished(() => {
    near.destroy();
  });
  const got: string[][] = [];
  server.on("stream", (_stream, _headers, _flags, raw: string[]) => got.push(raw));
  server.emit("connection", far);
  near.write(HTTP2_PREFACE);
  near.write(settings());
  const head = [":method", ":path", ":scheme"].map((name) =>
    STATIC_FIELDS.find((known) => known.name === name),
  );
  const others: HeaderField[] = [
    { name: ":authority", value: "x" },
    LONG,
    { name: "x-short", value: "s" },
    { name: "x-other", value: "o".repeat(900) },
  ];
  const list = [...head.filter((known) => known !== undefined), ...others];
  const encoder = new HpackEncoder();
  const streaming = once(server, "stream");
  for (const id of [1, 3, 5]) {
    near.write(http2Frame(Type.headers, Flag.endHeaders | Flag.endStream, id, encoder.encode(list)));
  }
  await streaming;
  await expect.poll(() => got.length).toBe(3);
  const raw = list.flatMap(({ name, value }) => [name, value]);
  expect(got).toEqual([raw, raw, raw]);
});
