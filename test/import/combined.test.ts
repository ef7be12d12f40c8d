import { describe, expect, test } from "vitest";
import { type AccessLine, accessLineReader } from "../../src/import/access-line.ts";
import { parseCombined } from "../../src/import/combined.ts";
import { MAX_LINE_BYTES } from "../../src/import/hashed-lines.ts";
import { combinedLine, view } from "./lines.ts";

function read(line: string | Buffer, ended = true): AccessLine {
  return accessLineReader()(Buffer.from(line), ended);
}

describe("a line in the combined format", () => {
  test.each(["192.0.2.1", "2001:db8::17", "host.example.net", "-"])("may come from %s", (address) => {
    expect(parseCombined(combinedLine({ address }))?.address).toBe(address);
  });

  test("may have escaped quotes and backslashes in its quoted fields", () => {
    const parsed = parseCombined(
      combinedLine({
        request: 'GET /\\"a\\\\ HTTP/1.1',
        referrer: 'https://x.example/?\\"',
        userAgent: 'x \\"y\\" \\\\',
      }),
    );
    expect(parsed).toMatchObject({
      request: 'GET /\\"a\\\\ HTTP/1.1',
      referrer: 'https://x.example/?\\"',
      userAgent: 'x \\"y\\" \\\\',
      status: 200,
    });
  });

  test("may have brackets in its user name", () => {
    expect(parseCombined(combinedLine({ user: "[x]" }))).toBeDefined();
  });

  test("may have a dash for the size", () => {
    expect(parseCombined(combinedLine().replace(" 1234 ", " - "))).toBeDefined();
  });

  test("may have further fields", () => {
    expect(parseCombined(combinedLine({ rest: ' "203.0.113.9" 0.004' }))).toMatchObject({
      furtherFields: true,
    });
  });

  test.each([
    ["empty", ""],
    ["of the common format", '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 1234'],
    ["with a virtual host before the address", `example.org:443 ${combinedLine()}`],
    ["with something stuck to the end", combinedLine({ rest: "x" })],
    ["with zero bytes before the address", `\0\0\0${combinedLine()}`],
    ["with a status of two digits", combinedLine({ status: 20 })],
    ["with a time of another format", combinedLine({ time: "2015-05-17T10:05:03+00:00" })],
  ])("is not one %s", (_, line) => {
    expect(parseCombined(line)).toBeUndefined();
  });

  test("is malformed wherever it is cut off", () => {
    const line = combinedLine({ userAgent: 'x \\"y\\" z' });
    for (let length = 0; length < line.length; length++) {
      expect(parseCombined(line.slice(0, length)), line.slice(0, length)).toBeUndefined();
    }
  });

  test("is read in linear time, whatever it holds", () => {
    const startedAt = performance.now();
    for (const piece of ['\\"', "\\", '"', '] "', " [", "[17/May/2015:10:05:03 +0000] "]) {
      const evil = piece.repeat(MAX_LINE_BYTES / piece.length);
      read(evil);
      read(combinedLine({ userAgent: evil }));
    }
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

describe("a hit", () => {
  test("has the path without its query, the time in UTC, and what is needed of the client", () => {
    const line = view("/a/b?c=d", {
      address: "2001:db8::1",
      time: "01/Jan/2025:00:30:00 +0100",
      referrer: "https://x.example/?\\x22",
      userAgent: "x \\x22",
    });
    expect(read(line)).toEqual({
      kind: "hit",
      path: "/a/b",
      url: "",
      timestamp: "2024-12-31T23:30:00Z",
      address: "2001:db8::1",
      referrer: 'https://x.example/?"',
      userAgent: "x \\x22",
    });
  });

  test.each([
    ["GET /a#b HTTP/1.1", "/a"],
    ["GET /a?b#c HTTP/1.1", "/a"],
    ["GET /a", "/a"],
    ["GET /a HTTP/2", "/a"],
    ["GET /a b HTTP/1.1", "/a b"],
    ["GET http://example.org/a?b HTTP/1.1", "/a"],
    ["GET HTTPS://example.org HTTP/1.1", "/"],
    ["GET http://example.org?x HTTP/1.1", "/"],
    ["GET //a HTTP/1.1", "//a"],
    ["GET /redirect/http://example.org/x HTTP/1.1", "/redirect/http://example.org/x"],
    ["GET /caf%C3%A9 HTTP/1.1", "/caf%C3%A9"],
    ["GET /caf\\xc3\\xa9 HTTP/1.1", "/café"],
    ["GET /é\\xC3\\xA9 HTTP/1.1", "/éé"],
    ['GET /\\"a\\x22\\\\ HTTP/1.1', '/"a"\\'],
    ["GET /\\xff HTTP/1.1", "/\\xff"],
    ["GET /\\x00 HTTP/1.1", "/\\x00"],
    ["GET /a\\nb HTTP/1.1", "/a\\nb"],
  ])("of %s has the path %s", (request, path) => {
    expect(read(combinedLine({ request }))).toMatchObject({ kind: "hit", path });
  });

  test.each([
    ["GET /a?utm_source=b HTTP/1.1", "/a?utm_source=b"],
    ["GET /a?c=d&utm_campaign=caf%C3%A9#e HTTP/1.1", "/a?c=d&utm_campaign=caf%C3%A9"],
    ["GET /a?ref=b HTTP/1.1", "/a?ref=b"],
    ["GET /a?gclid=b HTTP/1.1", "/a?gclid=b"],
    ["GET http://example.org?source=b HTTP/1.1", "/?source=b"],
    ["GET //a?source=b HTTP/1.1", "//a?source=b"],
    ["GET /\\xc3\\xa9?source=\\x22 HTTP/1.1", '/é?source="'],
  ])("of %s has the URL %s, as its query tells how the visitor came", (request, url) => {
    expect(read(combinedLine({ request }))).toMatchObject({ url });
  });

  test.each([
    ["nothing of that", "/a?b=utm_source"],
    ["nothing but the name", "/a?utm_source="],
    ["control characters", "/a?utm_source=b\\x01"],
    ["bytes that are no UTF-8", "/a?utm_source=b\\xff"],
    ["a path that does not begin with a slash", "a?utm_source=b"],
    ["more than the server takes", `/a?utm_source=${"b".repeat(8_179)}`],
  ])("has no URL when there is %s", (_, target) => {
    expect(read(combinedLine({ request: `GET ${target} HTTP/1.1` }))).toMatchObject({ kind: "hit", url: "" });
  });

  test.each([200, 204, 206, 304])("may have the status %i", (status) => {
    expect(read(combinedLine({ status })).kind).toBe("hit");
  });

  test.each([101, 301, 302, 400, 404, 499, 500])("does not have the status %i", (status) => {
    expect(read(combinedLine({ status }))).toEqual({ kind: "other" });
  });

  test.each([
    "POST / HTTP/1.1",
    "HEAD / HTTP/1.1",
    "get / HTTP/1.1",
    "-",
    "",
    "GET",
    "GET  HTTP/1.1",
    "\\x16\\x03",
  ])("is not made by the request %j", (request) => {
    expect(read(combinedLine({ request }))).toEqual({ kind: "other" });
  });
});

describe("a malformed line", () => {
  test("is one that is no UTF-8", () => {
    expect(read(Buffer.from(view("/\xff"), "latin1"))).toEqual({ kind: "malformed", reason: "not UTF-8" });
  });

  test("is one of a day that does not exist, whatever its request", () => {
    const line = combinedLine({ request: "POST / HTTP/1.1", time: "30/Feb/2015:10:05:03 +0000" });
    expect(read(line)).toEqual({ kind: "malformed", reason: "no such time" });
  });

  test("is one without line ending, as soon as the file's lines have further fields", () => {
    const reader = accessLineReader();
    expect(reader(Buffer.from(combinedLine()), false).kind).toBe("hit");
    expect(reader(Buffer.from(combinedLine({ rest: ' "-"' })), true).kind).toBe("hit");
    expect(reader(Buffer.from(combinedLine()), false).kind).toBe("malformed");
  });
});
