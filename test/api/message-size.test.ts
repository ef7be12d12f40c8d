import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  limitedJsonDecoder,
  MAX_BATCH_BYTES,
  MAX_BATCH_EVENTS,
  withFieldLimit,
} from "../../src/api/message-size.ts";
import { openTestPort } from "./port-fixture.ts";

const copied = async (bytes: Uint8Array) => Uint8Array.from(bytes);
const { decompress } = withFieldLimit({ name: "none", compress: copied, decompress: copied });

test("a message may have as many fields as two batches, and no more, whatever they are", async () => {
  const fields = [
    [0x0a, 0],
    [0x10, 0x80, 1],
    [0x1d, 1, 2, 3, 4],
    [0x21, 1, 2, 3, 4, 5, 6, 7, 8],
    [0x2a, 2, 0x0a, 0],
  ];
  for (const field of fields) {
    const most = Buffer.concat(Array(2 * MAX_BATCH_EVENTS).fill(Buffer.from(field)));
    expect(await decompress(most, MAX_BATCH_BYTES)).toHaveLength(most.length);
    const tooMany = Buffer.concat([most, Buffer.from(field)]);
    await expect(decompress(tooMany, MAX_BATCH_BYTES)).rejects.toThrow("at most 10000 events are allowed");
  }
  const groups = Buffer.concat(Array(MAX_BATCH_EVENTS + 1).fill(Buffer.of(0x0b, 0x0c)));
  await expect(decompress(groups, MAX_BATCH_BYTES)).rejects.toThrow("more than 20000 fields");
});

test("whatever the bytes are, few of them are no matter", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(await decompress(bytes, MAX_BATCH_BYTES)).toEqual(bytes);
    }),
  );
});

test("a text in JSON may have fifty thousand objects and lists, and any number in its strings", () => {
  const decode = (text: string) => limitedJsonDecoder.decode(Buffer.from(text));
  const list = (count: number, item: string) => `[${Array(count).fill(item).join(",")}]`;
  const most = list(5 * MAX_BATCH_EVENTS - 1, "{}");
  expect(decode(most)).toBe(most);
  const ofStrings = list(5 * MAX_BATCH_EVENTS, String.raw`"{[\"{\\"`);
  expect(decode(ofStrings)).toBe(ofStrings);
  for (const item of ["{}", "[]", String.raw`"\\",{"a":"\""}`]) {
    expect(() => decode(list(5 * MAX_BATCH_EVENTS, item))).toThrow("more than 50000 objects and lists");
  }
  expect(() => limitedJsonDecoder.decode(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(TypeError);
});

test("compressed or not, in JSON or not, a batch of very many empty events is refused in words", async () => {
  const { url, ingest } = await openTestPort();
  const send = async (type: string, body: Buffer, encoding?: string) => {
    const response = await fetch(`${url}/analytics.v1.AnalyticsService/IngestEvents`, {
      method: "POST",
      headers: { "Content-Type": type, ...(encoding && { "Content-Encoding": encoding }) },
      body,
    });
    return [response.status, await response.json()];
  };
  const binary = Buffer.alloc(2_000_000, Buffer.of(0x0a, 0));
  const json = Buffer.from(`{"events":[${"{},".repeat(700_000)}{}]}`);
  const refused = (start: string) => [
    400,
    { code: "invalid_argument", message: expect.stringMatching(`^${start}.*: split the batch$`) },
  ];
  expect(await send("application/proto", gzipSync(binary), "gzip")).toEqual(
    refused("the message has more than"),
  );
  expect(await send("application/json", gzipSync(json), "gzip")).toEqual(
    refused("the message has more than"),
  );
  expect(await send("application/json", json)).toEqual(refused("the message has more than"));
  expect(await send("application/proto", binary)).toEqual(refused("events has 1000000 entries"));
  const others = Buffer.alloc(200_000, Buffer.of(0x10, 0));
  expect(await send("application/proto", others)).toEqual(refused("events has 100000 entries"));
  expect(ingest.calls).toBe(0);
  // As fields, such a text would be far too many.
  const some = Buffer.from(`{"events":[${" ".repeat(50_000)}{"site_id":"s","event_type":"page_view"}]}`);
  expect(await send("application/json", gzipSync(some), "gzip")).toEqual([200, { acceptedCount: "1" }]);
});
