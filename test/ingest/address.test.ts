import fc from "fast-check";
import { expect, test } from "vitest";
import { normalAddress } from "../../src/ingest/address.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:0201", "192.0.2.1"],
  ["0:0:0:0:0:FFFF:192.0.2.1", "192.0.2.1"],
  ["fe80::1%eth0", "fe80::1"],
  ["::", "::"],
])("%s is %s", (text, address) => {
  expect(normalAddress(text)).toBe(address);
});

test.each(["", "localhost", "1.2.3", "01.2.3.4", "1.2.3.4 ", "[::1]", "::1]/", "1::2::3", "::g"])(
  "%j is no address",
  (text) => {
    expect(normalAddress(text)).toBeUndefined();
  },
);

test("whatever an address, its form is an address and has the same form", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = normalAddress(text) ?? "";
      expect(normalAddress(address)).toBe(address);
      expect(address).not.toBe("");
    }),
  );
});
