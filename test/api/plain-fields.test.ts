// The header fields that are plain are some of those that node:http2 takes: whatever is taken here, a server of node:http2
// takes, and sees the same in it.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { plainFieldsOf } from "../../src/api/plain-fields.ts";
import type { HeaderField } from "../../src/http2/hpack.ts";
import { data, headers } from "../http2/client-frames.ts";
import { fieldsOf } from "./event-shapes.ts";
import { RawSession } from "./raw-session.ts";

const PSEUDO = { ":method": "POST", ":scheme": "http", ":authority": "x", ":path": "/event" };

test("the fields of a plain request are taken, in any order of the pseudo ones", () => {
  const fields = fieldsOf({
    ...PSEUDO,
    "content-type": "a/b",
    te: "trailers",
    "content-length": "12",
    __proto: "x",
  });
  const expected = {
    path: "/event",
    bodyLength: 12,
    headers: { host: "x", "content-type": "a/b", te: "trailers", "content-length": "12", __proto: "x" },
  };
  expect(plainFieldsOf(fields)).toEqual(expected);
  expect(plainFieldsOf([...fields.slice(0, 4).reverse(), ...fields.slice(4)])).toEqual(expected);
  expect(plainFieldsOf(fieldsOf(PSEUDO))).toEqual({
    path: "/event",
    bodyLength: undefined,
    headers: { host: "x" },
  });
});

test("names of objects are names of fields", () => {
  const fields = [
    ...fieldsOf(PSEUDO),
    { name: "__proto__", value: "a" },
    { name: "constructor", value: "b" },
  ];
  expect(Object.entries(plainFieldsOf(fields)?.headers ?? {})).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
    ["host", "x"],
  ]);
});

const without = (name: string) => fieldsOf(PSEUDO).filter((field) => field.name !== name);
const having = (more: Readonly<Record<string, string>>) => fieldsOf({ ...PSEUDO, ...more });

test.each<readonly [string, readonly HeaderField[]]>([
  ...Object.keys(PSEUDO).map((name) => [`without ${name}`, without(name)] as const),
  ...Object.keys(PSEUDO).map(
    (name) =>
      [`with ${name} twice`, [...fieldsOf(PSEUDO), ...having({}).filter((f) => f.name === name)]] as const,
  ),
  ["with a pseudo field behind another one", [...fieldsOf({ a: "b" }), ...fieldsOf(PSEUDO)]],
  ["with an unknown pseudo field", [...fieldsOf(PSEUDO), ...fieldsOf({ ":protocol": "websocket" })]],
  ["with the status of an answer", [...fieldsOf(PSEUDO), ...fieldsOf({ ":status": "200" })]],
  ["with a field twice", [...having({ a: "b" }), ...fieldsOf({ a: "b" })]],
  [
    "of more than 128 fields",
    having(Object.fromEntries(Array.from({ length: 125 }, (_, n) => [`x${n}`, ""]))),
  ],
  ...["PUT", "post", "CONNECT", ""].map(
    (method) => [`with the method ${method}`, having({ ":method": method })] as const,
  ),
  ...["ftp", "HTTP", ""].map(
    (scheme) => [`with the scheme ${scheme}`, having({ ":scheme": scheme })] as const,
  ),
  ...["", "*", "event", "/a b", "/a\tb", "http://x/"].map(
    (path) => [`with the path "${path}"`, having({ ":path": path })] as const,
  ),
  ...["", "a/b", "a b", "a@b", "a?b", "a#b", "\u00e9", "a\\b", '"'].map(
    (host) => [`with the authority "${host}"`, having({ ":authority": host })] as const,
  ),
  ...[
    "connection",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "set-cookie",
    "trailer",
    "transfer-encoding",
    "upgrade",
  ].map((name) => [`with ${name}`, having({ [name]: "x" })] as const),
  ...["gzip", "trailers, gzip", "Trailers", ""].map((te) => [`with te: "${te}"`, having({ te })] as const),
  ...["", "-1", "+1", "1.5", "1,1", "0x1", "10000000", " 1", "a"].map(
    (length) => [`with a length of "${length}"`, having({ "content-length": length })] as const,
  ),
  ...["A", "a b", "", "a:", "\u00e9", "a\0"].map(
    (name) => [`with the name "${name}"`, having({ [name]: "x" })] as const,
  ),
  ...[" a", "a ", "\ta", "a\t", "a\0b", "a\nb", "a\rb", "\x7f", "a\x1fb"].map(
    (value) => [`with the value ${JSON.stringify(value)}`, having({ a: value })] as const,
  ),
])("a head %s is not plain", (_, fields) => {
  expect(plainFieldsOf(fields)).toBeUndefined();
});

test.each(["", "a", "!", "a b", "a\tb", "\u00e9", "\u0080\u00ff", "a \u00ff"])(
  "the value %j is plain",
  (value) => {
    expect(plainFieldsOf(having({ a: value }))?.headers.a).toBe(value);
  },
);

const character = fc.oneof(
  { arbitrary: fc.constantFrom(..."abcxyz019-_.~/:@[]%!$&'()*+,;=?# \t\"\\"), weight: 5 },
  { arbitrary: fc.nat(255).map((code) => String.fromCharCode(code)), weight: 1 },
);
const text = fc.string({ unit: character, maxLength: 8 });
const often = <T>(arbitrary: fc.Arbitrary<T>) => ({ arbitrary, weight: 6 });
const name = fc.oneof(
  often(
    fc.constantFrom(
      "accept",
      "cookie",
      "te",
      "content-length",
      "content-type",
      "x-a",
      "priority",
      "date",
      "age",
    ),
  ),
  often(fc.string({ unit: fc.constantFrom(..."abc019-_.~!#$%&'*+^`|"), minLength: 1, maxLength: 8 })),
  fc.constantFrom("connection", "upgrade", "expect", "host", ":path", ":protocol", "set-cookie", "__proto__"),
  text,
);
const value = fc.oneof(
  often(fc.constantFrom("", "trailers", "5", "05", "00005", "a b", "u=3, i", "\u00e9")),
  text,
);
const field = fc.record({ name, value });
const manyFields = fc
  .integer({ min: 120, max: 130 })
  .map((count) => Array.from({ length: count }, (_, n) => ({ name: `x-${n}`, value: "" })));
const head = fc
  .record({
    method: fc.oneof(often(fc.constant("POST")), fc.constant("PUT")),
    scheme: fc.oneof(often(fc.constantFrom("http", "https")), fc.constant("ftp")),
    authority: fc.oneof(often(fc.constantFrom("x", "x:80", "[::1]:80", "a.b")), text),
    path: fc.oneof(
      often(fc.constantFrom("/event", "/")),
      text.map((rest) => `/${rest}`),
      text,
    ),
    others: fc.oneof(often(fc.array(field, { maxLength: 4 })), manyFields),
    order: fc.oneof(
      often(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 })),
      fc.shuffledSubarray([0, 1, 2, 3], { minLength: 3 }),
    ),
  })
  .map(({ method, scheme, authority, path, others, order }) => {
    const pseudo = fieldsOf({ ":method": method, ":scheme": scheme, ":authority": authority, ":path": path });
    return [...order.flatMap((index) => pseudo[index] ?? []), ...others];
  });

/** A server of node:http2 that tells what it sees. */
async function openServer() {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer((req, res) => {
    seen.push(req.headers);
    req.resume();
    req.on("end", () => res.end());
  });
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

test("whatever is plain, a server of node:http2 takes, and sees the same", { timeout: 60_000 }, async () => {
  const { port, seen } = await openServer();
  let session = await RawSession.open(port);
  let id = 1;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(head, async (fields) => {
      const plain = plainFieldsOf(fields);
      if (!plain) return;
      taken += 1;
      if (session.isClosed) {
        session = await RawSession.open(port);
        id = 1;
      }
      seen.length = 0;
      session.send(headers(id, fields), data(id, Buffer.alloc(plain.bodyLength ?? 0)));
      await session.answered(id);
      expect([session.answer(id).reset, session.status(id)]).toEqual([undefined, "200"]);
      id += 2;
      const { host, ...others } = plain.headers;
      const ofRequest = Object.entries(seen[0] ?? {}).filter(([name]) => !name.startsWith(":"));
      expect(Object.fromEntries(ofRequest)).toEqual(Object.fromEntries(Object.entries(others)));
      expect(seen[0]).toMatchObject({ ":method": "POST", ":path": plain.path, ":authority": host });
    }),
    { numRuns: 10_000 },
  );
  expect(taken).toBeGreaterThan(1000);
});
