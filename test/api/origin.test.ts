import type { IncomingHttpHeaders } from "node:http";
import fc from "fast-check";
import { expect, test } from "vitest";
import { addressRanges, isWithin } from "../../src/api/address-ranges.ts";
import { type OriginOptions, Origins } from "../../src/api/origin.ts";

function originOf(peer: string | undefined, headers: IncomingHttpHeaders = {}, options: OriginOptions = {}) {
  return new Origins(options).of(peer, headers);
}

const via = (forwarded: string, trustProxy = ["10.0.0.0/8", "loopback"], peer = "10.0.0.1") =>
  originOf(peer, { "x-forwarded-for": forwarded }, { trustProxy }).address;

test("without a proxy the address is the connection's, in its one form", () => {
  expect(originOf("192.0.2.1").address).toBe("192.0.2.1");
  expect(originOf("::ffff:192.0.2.1").address).toBe("192.0.2.1");
  expect(originOf("2001:db8::1").address).toBe("2001:db8::1");
  expect(originOf(undefined).address).toBe("");
});

test("X-Forwarded-For is not believed from anybody but a trusted proxy", () => {
  expect(via("192.0.2.1", ["10.0.0.0/8"], "198.51.100.1")).toBe("198.51.100.1");
  expect(via("192.0.2.1", [], "127.0.0.1")).toBe("127.0.0.1");
  expect(via("192.0.2.1", ["loopback"], "127.0.0.1")).toBe("192.0.2.1");
  expect(via("192.0.2.1", ["loopback"], "::1")).toBe("192.0.2.1");
  expect(via("192.0.2.1", ["10.0.0.1"], "::ffff:10.0.0.1")).toBe("192.0.2.1");
});

test.each([
  ["198.51.100.9, 192.0.2.1", "192.0.2.1"],
  ["198.51.100.9,192.0.2.1 , 10.1.2.3,127.0.0.1", "192.0.2.1"],
  ["10.0.0.7, 10.0.0.8", "10.0.0.7"],
  ["2001:DB8::0:1", "2001:db8::1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["192.0.2.1:4711", "192.0.2.1"],
  ["[2001:db8::1]:4711, 10.0.0.2:80", "2001:db8::1"],
  ["192.0.2.1, unknown", ""],
  ["unknown, 192.0.2.1", "192.0.2.1"],
  ["192.0.2.1, <script>", ""],
  ["", ""],
])("of X-Forwarded-For: %s, the client is %j", (forwarded, address) => {
  expect(via(forwarded)).toBe(address);
});

test("whatever a client writes in front, the address is the one that the proxy has seen", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (written) => {
      expect(via(`${written}, 192.0.2.1`)).toBe("192.0.2.1");
    }),
  );
});

test("local is who is on this machine and passes nothing on", () => {
  for (const peer of ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]) {
    expect(originOf(peer).isLocal).toBe(true);
  }
  for (const peer of ["192.0.2.1", "10.0.0.1", "::2", undefined]) expect(originOf(peer).isLocal).toBe(false);
  for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
    expect(originOf("127.0.0.1", { [name]: "127.0.0.1" }).isLocal).toBe(false);
    expect(originOf("127.0.0.1", { [name]: "" }, { trustProxy: ["loopback"] }).isLocal).toBe(false);
  }
});

test.each<[string, string, boolean]>([
  ["sec-purpose", "prefetch;prerender", true],
  ["sec-purpose", "prefetch", true],
  ["purpose", "Prefetch", true],
  ["x-purpose", "preview", true],
  ["x-moz", "prefetch", true],
  ["sec-purpose", "", false],
  ["purpose", "prefetching", false],
  ["x-moz", "none", false],
])("%s: %s: is it a prefetch? %s", (name, value, isPrefetch) => {
  expect(originOf("192.0.2.1", { [name]: value }).isPrefetch).toBe(isPrefetch);
});

test("whoever asks not to be tracked is heard when that is respected", () => {
  const asks = [{ "sec-gpc": "1" }, { dnt: "1" }];
  for (const headers of asks) {
    expect(originOf("192.0.2.1", headers, { respectGpc: true }).refusesTracking).toBe(true);
    expect(originOf("192.0.2.1", headers).refusesTracking).toBe(false);
  }
  const doNotAsk = [{}, { "sec-gpc": "0" }, { dnt: "0" }, { dnt: "null" }];
  for (const headers of doNotAsk) {
    expect(originOf("192.0.2.1", headers, { respectGpc: true }).refusesTracking).toBe(false);
  }
});

test("of a user agent of 64 KB, the beginning is kept", () => {
  expect(originOf("192.0.2.1", { "user-agent": "x".repeat(64 * 1024) }).userAgent).toBe("x".repeat(1024));
});

test.each(["10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0.0/", "10.0.0.0/-1", "10.0.0/8", "localhost", ""])(
  "%j is no range, and the error names it",
  (range) => {
    expect(() => addressRanges(["127.0.0.1", range])).toThrow(
      `"${range}" is no range of addresses: name addresses, networks such as 10.0.0.0/8, or loopback`,
    );
  },
);

test("a range is a network, whatever its address has behind it, or one address", () => {
  const ranges = addressRanges(["10.1.2.3/16", "2001:db8::1/32", "192.0.2.1", "0.0.0.0/32"]);
  for (const address of ["10.1.255.255", "2001:db8:ffff::", "192.0.2.1"]) {
    expect(isWithin(address, ranges)).toBe(true);
  }
  for (const address of ["10.2.0.0", "2001:db9::", "192.0.2.2", "", "x"]) {
    expect(isWithin(address, ranges)).toBe(false);
  }
});
