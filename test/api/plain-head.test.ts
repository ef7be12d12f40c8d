// A head is read as node:http reads it, or not at all.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { plainHeadOf } from "../../src/api/plain-head.ts";
import { EVENT, http1 } from "./port-fixture.ts";

interface Read {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  body: string;
}

/** Gives what node:http makes of the bytes of a connection: its requests, up to the first that is wrong. */
async function openReader(): Promise<(bytes: Buffer) => Promise<readonly Read[]>> {
  let reads: Read[] = [];
  const server = createServer({ requireHostHeader: false }, async (req, res) => {
    const read: Read = { path: req.url, headers: { ...req.headers }, body: "" };
    reads.push(read);
    read.body = (await buffer(req)).toString("latin1");
    res.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return async (bytes) => {
    reads = [];
    // What it was sent it has read when it has answered this.
    const last = Buffer.from(http1("POST /last", "", { Connection: "close" }));
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }).on("error", () => {});
    socket.write(Buffer.concat([bytes, last]));
    await buffer(socket).catch(() => {});
    return reads;
  };
}

const plain = (fields: string, line = "POST /event HTTP/1.1") => `${line}\r\n${fields}\r\n`;
const FIELDS = "Host: x\r\nContent-Length: 3\r\n";

test("a plain head is read, its names in lower case, its values without space around them", () => {
  const text = plain(
    "HOST:x\r\nX-Empty:\r\ncontent-LENGTH: \t 12 \t \r\nAccept: a,\tb \r\nX-\u00e9: \u00e9\r\n",
  );
  expect(plainHeadOf(text)).toBeUndefined();
  const head = plainHeadOf(text.replace("X-\u00e9", "X-E"));
  expect(head).toEqual({
    path: "/event",
    headers: { host: "x", "x-empty": "", "content-length": "12", accept: "a,\tb", "x-e": "\u00e9" },
    length: text.length,
    bodyLength: 12,
    bodyLengthAt: text.indexOf("12 "),
  });
});

test.each([
  ["another method", plain(FIELDS, "GET /event HTTP/1.1")],
  ["a method in lower case", plain(FIELDS, "post /event HTTP/1.1")],
  ["a query", plain(FIELDS, "POST /event?a=1 HTTP/1.1")],
  ["an absolute target", plain(FIELDS, "POST http://x/event HTTP/1.1")],
  ["HTTP/1.0", plain(FIELDS, "POST /event HTTP/1.0")],
  ["two spaces in the first line", plain(FIELDS, "POST  /event HTTP/1.1")],
  ["an empty line before the first", `\r\n${plain(FIELDS)}`],
  ["lines that end with LF alone", plain(FIELDS).replaceAll("\r\n", "\n")],
  ["one line that ends with LF alone", plain("Host: x\nContent-Length: 3\r\n")],
  ["a line that ends with CR alone", plain("Host: x\rContent-Length: 3\r\n")],
  ["no length", plain("Host: x\r\n")],
  ["an empty length", plain("Host: x\r\nContent-Length: \r\n")],
  ["a length of 0", plain("Host: x\r\nContent-Length: 0\r\n")],
  ...["+3", "-3", "03", "0x3", "3.0", "3, 3", "3 3", "1e3", "1000000", "\u00b3"].map((length) => [
    `a length of ${length}`,
    plain(`Host: x\r\nContent-Length: ${length}\r\n`),
  ]),
  ["a length twice", plain(`${FIELDS}content-length: 3\r\n`)],
  ["any name twice", plain(`${FIELDS}host: x\r\n`)],
  ["an empty value and another", plain(`X-A:\r\n${FIELDS}x-a: 1\r\n`)],
  ["a value on two lines", plain(`${FIELDS}X-A: a\r\n b\r\n`)],
  ["a line of space", plain(`${FIELDS} \r\n`)],
  ["a space before the colon", plain(`${FIELDS}X-A : a\r\n`)],
  ["no colon", plain(`${FIELDS}X-A\r\n`)],
  ["no name", plain(`${FIELDS}: a\r\n`)],
  ["a NUL in a value", plain(`${FIELDS}X-A: a\0b\r\n`)],
  ["a DEL in a value", plain(`${FIELDS}X-A: a\x7fb\r\n`)],
  ...["Transfer-Encoding: chunked", "transfer-encoding: identity", "Connection: close", "Upgrade: h2c"]
    .concat("Connection: keep-alive, close", "Connection: Upgrade", "Expect: 100-continue", "Trailer: a")
    .concat("Connection:", "Proxy-Connection: close", "HTTP2-Settings: a")
    .map((field) => [field, plain(`${FIELDS}${field}\r\n`)]),
  ["an end that is still to come", plain(FIELDS).slice(0, -1)],
  ["nothing", ""],
])("a head with %s is not plain", (_, text) => {
  expect(plainHeadOf(text)).toBeUndefined();
});

test("whatever is plain, node:http reads in the same way, and what comes behind it as well", async () => {
  const read = await openReader();
  const piece = fc.constantFrom(
    ...[
      "Host: x\r\n",
      "host:y \r\n",
      "Content-Length: 3\r\n",
      "content-length: 3\t\r\n",
      "Content-Length: 10\r\n",
    ],
    ...[
      "Connection: keep-alive\r\n",
      "Connection: close\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Keep-Alive: 5\r\n",
    ],
    ...[
      "X-A: b\r\n",
      "X-A:\r\n",
      "x-b:  c  d \r\n",
      "Accept: \xe9\xa0\r\n",
      "x-c: \x7e\r\n",
      "te: trailers\r\n",
    ],
    ...["\r\n", "\n", "\r", " ", "\t", ":", "\0", "\x7f", "a", ";", "X", "3", "+", "POST / HTTP/1.1\r\n"],
  );
  const first = fc.constantFrom(
    "POST /event HTTP/1.1\r\n",
    "POST /a.b/C HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\n",
  );
  let plainOnes = 0;
  const heads = fc
    .tuple(first, fc.array(piece, { maxLength: 6 }))
    .map(([line, pieces]) => line + pieces.join(""));
  await fc.assert(
    fc.asyncProperty(heads, fc.boolean(), async (start, hasFields) => {
      const text = `${start}${hasFields ? FIELDS : ""}\r\n`;
      const head = plainHeadOf(text);
      if (!head) return;
      plainOnes += 1;
      const body = EVENT.padEnd(head.bodyLength).slice(0, head.bodyLength);
      const { path, headers, length } = head;
      const rest = text.slice(length);
      const reads = await read(Buffer.from(text.slice(0, length) + body + rest, "latin1"));
      // A proxy that reads it as node:http does, and we, agree on where it ends.
      expect(reads[0]).toEqual({ path, headers: { ...headers }, body });
      if (rest === "") expect(reads.map((one) => one.path)).toEqual([path, "/last"]);
    }),
    { numRuns: 3000 },
  );
  expect(plainOnes).toBeGreaterThan(200);
});
