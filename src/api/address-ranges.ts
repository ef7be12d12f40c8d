// Ranges of addresses, as an operator writes them.

import { BlockList, isIP } from "node:net";

/** What stands for this machine itself. */
const LOOPBACK = "loopback";
const LOOPBACK_RANGES = ["127.0.0.0/8", "::1"];

/**
 * The addresses of `ranges`: single ones, networks such as 10.0.0.0/8 or fd00::/8, or "loopback". Throws a RangeError that
 * names a range that is none.
 */
export function addressRanges(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges.flatMap((range) => (range === LOOPBACK ? LOOPBACK_RANGES : [range]))) {
    const [address = "", bits, more] = range.split("/");
    const family = familyOf(address);
    const maxBits = family === "ipv4" ? 32 : 128;
    const length = bits === undefined ? maxBits : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (family === undefined || more !== undefined || !(length <= maxBits)) {
      throw new RangeError(
        `"${range}" is no range of addresses: name addresses, networks such as 10.0.0.0/8, or ${LOOPBACK}`,
      );
    }
    list.addSubnet(address, length, family);
  }
  return list;
}

/** Whether `address` is one of `ranges`; what is no address is not. */
export function isWithin(address: string, ranges: BlockList): boolean {
  const family = familyOf(address);
  return family !== undefined && ranges.check(address, family);
}

function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = isIP(address);
  return version === 4 ? "ipv4" : version === 6 ? "ipv6" : undefined;
}
