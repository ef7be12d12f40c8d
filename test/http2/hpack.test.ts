// Header blocks: those of RFC 7541, those that are wrong, and those that node:http2 makes of any fields.

import { once } from "node:events";
import { connect, createServer, sensitiveHeaders } from "node:http2";
import { Duplex, duplexPair } from "node:stream";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { type HeaderField, HpackDecoder, HpackError, literalBlock } from "../../src/http2/hpack.ts";
import { HTTP2_PREFACE, http2Field, http2Frame } from "./bytes.ts";

const MAX_LIST_BYTES = 16_384;

const openDecoder = () => new HpackDecoder(MAX_LIST_BYTES);
const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
const decode = (hex: string) => openDecoder().decode(bytes(hex));
const field = ([name = "", value = ""]: readonly string[]): HeaderField => ({ name, value });
const fields = (...pairs: readonly string[][]) => pairs.map(field);
/** A literal that is added to the table. */
function added(name: string, value: string): Buffer {
  const block = literalBlock([{ name, value }]);
  block[0] = 0x40;
  return block;
}
/** The dynamic table, newest first. */
function tableOf(decoder: HpackDecoder): HeaderField[] {
  const table: HeaderField[] = [];
  for (let index = 62; ; index += 1) {
    const block = index < 0x7f ? [0x80 | index] : [0xff, index - 0x7f];
    try {
      table.push(...(decoder.decode(Buffer.from(block)) ?? []));
    } catch {
      return table;
    }
  }
}

const AUTHORITY = [":authority", "www.example.com"];
const NO_CACHE = ["cache-control", "no-cache"];
const CUSTOM = ["custom-key", "custom-value"];
const GET = [":method", "GET"];
const REQUESTS = [
  [GET, [":scheme", "http"], [":path", "/"], AUTHORITY],
  [GET, [":scheme", "http"], [":path", "/"], AUTHORITY, NO_CACHE],
  [GET, [":scheme", "https"], [":path", "/index.html"], AUTHORITY, CUSTOM],
];
const REQUEST_TABLES = [[AUTHORITY], [NO_CACHE, AUTHORITY], [CUSTOM, NO_CACHE, AUTHORITY]];

const FOUND = [":status", "302"];
const REDIRECT = [":status", "307"];
const PRIVATE = ["cache-control", "private"];
const DATE = ["date", "Mon, 21 Oct 2013 20:13:21 GMT"];
const NEXT_DATE = ["date", "Mon, 21 Oct 2013 20:13:22 GMT"];
const LOCATION = ["location", "https://www.example.com"];
const GZIP = ["content-encoding", "gzip"];
const COOKIE = ["set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"];
const RESPONSES = [
  [FOUND, PRIVATE, DATE, LOCATION],
  [REDIRECT, PRIVATE, DATE, LOCATION],
  [[":status", "200"], PRIVATE, NEXT_DATE, LOCATION, GZIP, COOKIE],
];
const RESPONSE_TABLES = [
  [LOCATION, DATE, PRIVATE, FOUND],
  [REDIRECT, LOCATION, DATE, PRIVATE],
  [COOKIE, GZIP, NEXT_DATE],
];
/** The table may have 256 bytes from here on. */
const TO_256_BYTES = "3fe101";

describe("the examples of RFC 7541, Appendix C", () => {
  test.each([
    [
      "C.2.1",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      "custom-key: custom-header",
    ],
    ["C.2.2", "040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path"],
    ["C.2.3", "1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret"],
    ["C.2.4", "82", ":method: GET"],
  ])("%s", (example, block, line) => {
    const decoder = openDecoder();
    const read = decoder.decode(bytes(block));
    expect(read?.map(({ name, value }) => `${name}: ${value}`)).toEqual([line]);
    expect(tableOf(decoder)).toEqual(example === "C.2.1" ? read : []);
  });

  test.each([
    {
      example: "C.3",
      lists: REQUESTS,
      tables: REQUEST_TABLES,
      blocks: [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    },
    {
      example: "C.4",
      lists: REQUESTS,
      tables: REQUEST_TABLES,
      blocks: [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    },
    {
      example: "C.5",
      lists: RESPONSES,
      tables: RESPONSE_TABLES,
      blocks: [
        `${TO_256_BYTES} 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
          3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        "4803 3330 37c1 c0bf",
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
          7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
          6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
      ],
    },
    {
      example: "C.6",
      lists: RESPONSES,
      tables: RESPONSE_TABLES,
      blocks: [
        `${TO_256_BYTES} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
          919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        "4883 640e ffc1 c0bf",
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
          e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
      ],
    },
  ])("$example", ({ lists, tables, blocks }) => {
    const decoder = openDecoder();
    for (const [index, block] of blocks.entries()) {
      expect(decoder.decode(bytes(block))).toEqual(lists[index]?.map(field));
      expect(tableOf(decoder)).toEqual(tables[index]?.map(field));
    }
  });
});

test("a block may be empty", () => {
  expect(decode("")).toEqual([]);
});

test("names and values may be empty, with and without Huffman code", () => {
  expect(decode("000000 008080")).toEqual(fields(["", ""], ["", ""]));
});

test("the Huffman code of control characters is known, which no client sends", () => {
  const controls = [...Array(32).keys(), 127];
  // By hpack.AppendHuffmanString of golang.org/x/net.
  const code = Buffer.from(
    "/8f//Y///+L///4////k///+X///5v///n///+j//+r////z///6f///q////9///+v///7P///t///+7///7////w////H///8v////v///z////T///9f///2////f///+P///5////r///+////8/",
    "base64",
  );
  // The name is :authority, and the value has the Huffman bit.
  const head = Buffer.of(0x01, 0x80 | code.length);
  expect(code.length).toBeLessThan(0x7f);
  expect(openDecoder().decode(Buffer.concat([head, code]))).toEqual(
    fields([":authority", String.fromCharCode(...controls)]),
  );
});

describe("a block is no HPACK", () => {
  test.each([
    ["with index 0", "80"],
    ["with an index beyond the static table while the dynamic one is empty", "be"],
    ["with an index beyond both tables", "40 0161 0162 bf"],
    ["with index 0 while the dynamic table is full", "40 0161 0162".repeat(150), "80"],
    ["with an index of a field that was evicted", "40 0161 0162 be 20", "be"],
    ["with a name of no field", "7e 0161"],
    ["with a name of no field, in a field that is not added", "0f30 0161"],
    ["that ends within an index", "ff"],
    ["that ends within an index of many bytes", "ff80"],
    ["that ends before a name", "40"],
    ["that ends before a value", "40 0161"],
    ["that ends within a length", "00 7f"],
    ["that ends within a name", "00 0261"],
    ["that ends within a value", "00 0161 0262"],
    ["that ends within a value in Huffman code", "00 0161 821c"],
    ["with a length far beyond it", "00 7fffffff7f"],
    ["with an integer of more than four bytes behind its prefix", "ff 8080808001"],
    ["with an integer that is small, but of too many bytes", `00 0161 7f8180808000 ${"62".repeat(128)}`],
    ["with an integer that never ends", `ff ${"ff".repeat(100)}`],
    ["that makes the table larger than it may be", "3fe21f"],
    ["with a size behind a field", "82 20"],
    ["with a size between fields", "82 20 82"],
    ["with a size that ends too early", "3f"],
    ["with a padding that is not all ones", "01 811e"],
    ["with a padding of zeros", "01 8118"],
    ["with a padding of eight bits", "01 82f8ff"],
    ["with a padding of a byte alone", "01 81ff"],
    ["with EOS", "01 84ffffffff"],
    ["with EOS and more behind it", "01 85fffffffc1f"],
    ["with EOS in a name", "00 84ffffffff 00"],
    ["with a code that is cut off", "01 82fffe"],
  ])("%s", (_, hex, next = "") => {
    const decoder = openDecoder();
    expect(() => {
      decoder.decode(bytes(hex));
      decoder.decode(bytes(next));
    }).toThrow(HpackError);
  });

  test("but an integer may have four bytes behind its prefix, be they needed or not", () => {
    const value = "62".repeat(128);
    for (const length of ["7f01", "7f81808000"]) {
      expect(decode(`00 0161 ${length} ${value}`)).toEqual(fields(["a", "b".repeat(128)]));
    }
  });

  test("but a padding may have seven bits", () => {
    // A digit of five bits, and two spaces of six.
    expect(decode("01 83028a7f")).toEqual(fields([":authority", "0  "]));
  });
});

describe("the dynamic table", () => {
  test("has 4096 bytes: of a name, a value and 32 for each field", () => {
    const decoder = openDecoder();
    for (let count = 0; count < 150; count += 1) decoder.decode(added("", ""));
    expect(tableOf(decoder)).toHaveLength(128);
    decoder.decode(added("n", "v"));
    expect(tableOf(decoder)).toHaveLength(1 + 126);
    decoder.decode(added("n", "v".repeat(4096 - 32 - 1)));
    expect(tableOf(decoder)).toEqual(fields(["n", "v".repeat(4096 - 32 - 1)]));
  });

  test("is emptied by a field that is larger, which the list has nevertheless", () => {
    const decoder = openDecoder();
    decoder.decode(added("a", "b"));
    const value = "v".repeat(4096 - 32);
    expect(decoder.decode(added("n", value))).toEqual(fields(["n", value]));
    expect(tableOf(decoder)).toEqual([]);
    decoder.decode(added("a", "b"));
    expect(tableOf(decoder)).toEqual(fields(["a", "b"]));
  });

  test("keeps the name that a field has of one that is evicted for it", () => {
    const decoder = openDecoder();
    decoder.decode(bytes("3f03")); // 34 bytes.
    decoder.decode(added("a", "b"));
    expect(decoder.decode(bytes("7e 0163"))).toEqual(fields(["a", "c"]));
    expect(tableOf(decoder)).toEqual(fields(["a", "c"]));
  });

  test("is emptied by size 0, and has its place back by another size in the same block", () => {
    const decoder = openDecoder();
    decoder.decode(added("a", "b"));
    expect(decoder.decode(bytes("20 3fe11f 40 0163 0164"))).toEqual(fields(["c", "d"]));
    expect(tableOf(decoder)).toEqual(fields(["c", "d"]));
    decoder.decode(bytes("20"));
    decoder.decode(added("a", "b"));
    expect(tableOf(decoder)).toEqual([]);
  });

  test("is as a list whose oldest are dropped, whatever is added and however it is resized", () => {
    const changes = fc.array(
      fc.oneof(
        { arbitrary: fc.record({ name: fc.nat(60), value: fc.nat(500) }), weight: 9 },
        { arbitrary: fc.record({ name: fc.constant(0), value: fc.nat(5000) }), weight: 1 },
        { arbitrary: fc.record({ size: fc.integer({ min: 31 + 128, max: 4096 }) }), weight: 1 },
      ),
      { maxLength: 100 },
    );
    fc.assert(
      fc.property(changes, (all) => {
        const decoder = openDecoder();
        let maxBytes = 4096;
        let model: HeaderField[] = [];
        for (const change of all) {
          if ("size" in change) {
            maxBytes = change.size;
            const rest = change.size - 31;
            decoder.decode(Buffer.of(0x3f, (rest & 0x7f) | 0x80, rest >>> 7));
          } else {
            const one = { name: "n".repeat(change.name), value: "v".repeat(change.value) };
            decoder.decode(added(one.name, one.value));
            model = [one, ...model];
          }
          let room = maxBytes;
          const kept = model.findIndex(({ name, value }) => {
            room -= name.length + value.length + 32;
            return room < 0;
          });
          if (kept >= 0) model = model.slice(0, kept);
        }
        expect(tableOf(decoder)).toEqual(model);
      }),
    );
  });
});

test("changes are told of fields that are added and of sizes, and of nothing else", () => {
  const decoder = openDecoder();
  expect(decoder.changes).toBe(0);
  decoder.decode(bytes("82 000161 0162 100161 0162 010162"));
  expect(decoder.changes).toBe(0);
  decoder.decode(Buffer.concat([added("a", "b"), added("a", "b")]));
  expect(decoder.changes).toBe(2);
  decoder.decode(bytes("82 be bf"));
  expect(decoder.changes).toBe(2);
  decoder.decode(bytes("20 3fe11f"));
  expect(decoder.changes).toBe(4);
  decoder.decode(added("n", "v".repeat(5000)));
  expect(decoder.changes).toBe(5);
});

describe("a list that is too long", () => {
  test("is none, and one as long as the limit is", () => {
    const list = fields(["a", "1"], ["b", "2"], ["c", "3"], ["d", "4"]);
    const kept = (maxListBytes: number) => new HpackDecoder(maxListBytes).decode(literalBlock(list))?.length;
    expect([67, 101, 135, 136, 1000].map(kept)).toEqual([undefined, undefined, undefined, 4, 4]);
  });

  test("is not kept, though a byte stands for each of its fields, which are thousands of bytes", () => {
    const decoder = openDecoder();
    const value = "v".repeat(4000);
    const bomb = Buffer.concat([added("n", value), Buffer.alloc(1_000_000, 0xbe), added("a", "b")]);
    expect(decoder.decode(bomb)).toBeUndefined();
    expect(tableOf(decoder)).toEqual(fields(["a", "b"], ["n", value]));
  });

  test("is judged to its end", () => {
    const block = Buffer.concat([
      literalBlock(fields(["n", "v".repeat(MAX_LIST_BYTES)], ["a", "b"])),
      bytes("80"),
    ]);
    expect(() => openDecoder().decode(block)).toThrow(HpackError);
  });
});

/** The client's side of a session of node:http2, and what it has sent. */
function openClient() {
  const sent: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(chunk);
      done();
    },
  });
  const session = connect("http://localhost", {
    createConnection: () => socket,
    maxSendHeaderBlockLength: 1_000_000,
  });
  const closed = once(session, "close");
  return {
    session,
    blocks: () => blocksOf(Buffer.concat(sent)),
    close: () => {
      session.destroy();
      return closed;
    },
  };
}

const FRAME_HEAD_BYTES = 9;
const [HEADERS, SETTINGS, CONTINUATION] = [1, 4, 9];
const [END_STREAM, END_HEADERS, PRIORITY] = [0x01, 0x04, 0x20];
const PRIORITY_BYTES = 5;

/** The header blocks in what a client sent, and of how many frames they are. */
function blocksOf(sent: Buffer): { readonly block: Buffer; readonly frames: number }[] {
  const blocks: { block: Buffer; frames: number }[] = [];
  let at = HTTP2_PREFACE.length;
  let parts: Buffer[] = [];
  while (at < sent.length) {
    const end = at + FRAME_HEAD_BYTES + sent.readUIntBE(at, 3);
    const [type = 0, flags = 0] = sent.subarray(at + 3);
    const payload = sent.subarray(at + FRAME_HEAD_BYTES, end);
    at = end;
    if (type !== HEADERS && type !== CONTINUATION) continue;
    parts.push(payload.subarray(type === HEADERS && flags & PRIORITY ? PRIORITY_BYTES : 0));
    if (flags & END_HEADERS) {
      blocks.push({ block: Buffer.concat(parts), frames: parts.length });
      parts = [];
    }
  }
  return blocks;
}

const name = fc.oneof(
  fc.constantFrom("x-a", "x-b", "grpc-timeout", "accept", "cookie"),
  fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,40}$/),
);
const character = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
const value = fc.oneof(
  { arbitrary: fc.constantFrom("", "1", "trailers", "10m", "application/grpc"), weight: 5 },
  {
    arbitrary: fc.array(character, { maxLength: 60 }).map((codes) => String.fromCharCode(...codes)),
    weight: 5,
  },
  {
    arbitrary: fc.tuple(character, fc.integer({ min: 1000, max: 25_000 })).map(([code, length]) => {
      return String.fromCharCode(code).repeat(length);
    }),
    weight: 1,
  },
);
const PSEUDO = [":method", ":scheme", ":authority", ":path"];
const request = fc
  .record({
    pseudo: fc.tuple(
      fc.constantFrom("GET", "POST", "PUT"),
      fc.constantFrom("http", "https"),
      fc.constantFrom("a", "127.0.0.1:8080"),
      fc.stringMatching(/^\/[\w./?=&%-]{0,50}$/),
    ),
    others: fc.array(fc.record({ name, value, isSensitive: fc.boolean() }), { maxLength: 12 }),
  })
  .map(({ pseudo, others }) => ({
    list: [
      ...pseudo.map((value, index) => ({ name: PSEUDO[index] ?? "", value })),
      ...others.map(({ name, value }) => ({ name, value })),
    ],
    sensitive: others.filter(({ isSensitive }) => isSensitive).map(({ name }) => name),
  }));

test("what a session of node:http2 sends is read as it was given to it", async () => {
  let continued = 0;
  let bytesSaved = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
      const client = openClient();
      await once(client.session, "connect");
      for (const { list, sensitive } of requests) {
        const raw = list.flatMap(({ name, value }) => [name, value]);
        client.session.request(Object.assign(raw, { [sensitiveHeaders]: sensitive }), { endStream: true });
      }
      await expect.poll(() => client.blocks().length, { interval: 1 }).toBe(requests.length);
      const blocks = client.blocks();
      await client.close();
      const decoder = new HpackDecoder(10_000_000);
      for (const [index, { block, frames }] of blocks.entries()) {
        const list = requests[index]?.list ?? [];
        expect(decoder.decode(block)).toEqual(list);
        if (frames > 1) continued += 1;
        bytesSaved += literalBlock(list).length - block.length;
      }
    }),
    { numRuns: 60 },
  );
  expect(continued).toBeGreaterThan(0);
  expect(bytesSaved).toBeGreaterThan(0);
});

describe("a literal block", () => {
  test("is made of literals that leave the table as it is", () => {
    const decoder = openDecoder();
    const list = fields(["te", "trailers"], ["x", ""]);
    const block = literalBlock(list);
    expect(block).toEqual(Buffer.concat([http2Field("te", "trailers"), http2Field("x", "")]));
    decoder.decode(block);
    expect(decoder.changes).toBe(0);
  });

  test("is decoded to the fields that it was made of, whatever their bytes and lengths", () => {
    const length = fc.oneof(fc.nat(300), fc.constantFrom(126, 127, 128, 254, 255, 16_510, 16_511, 70_000));
    const text = fc
      .tuple(fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), minLength: 1 }), length)
      .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length));
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, value: text }), { maxLength: 5 }), (list) => {
        expect(new HpackDecoder(10_000_000).decode(literalBlock(list))).toEqual(list);
      }),
    );
  });

  test("is read by a server of node:http2", async () => {
    const [near, far] = duplexPair();
    const server = createServer();
    onTestFinished(() => {
      near.destroy();
    });
    const list = fields(
      [":method", "POST"],
      [":scheme", "http"],
      [":authority", "x"],
      [":path", "/event"],
      ["te", "trailers"],
      ["x-long", "\u00e9".repeat(5000)],
    );
    const streaming = once(server, "stream");
    server.emit("connection", far);
    near.write(HTTP2_PREFACE);
    near.write(http2Frame(SETTINGS, 0, 0, Buffer.of()));
    near.write(http2Frame(HEADERS, END_HEADERS | END_STREAM, 1, literalBlock(list)));
    const [, , , rawHeaders] = await streaming;
    expect(rawHeaders).toEqual(list.flatMap(({ name, value }) => [name, value]));
  });
});
