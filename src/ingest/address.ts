// IP addresses as text, of which each has one form here: so that a visitor has one, too, whoever names it.

import { isIPv4, isIPv6 } from "node:net";

/** An IPv4 address within IPv6 (RFC 4291, 2.5.5.2), as URLs are written. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The one form of an IP address: IPv6 as RFC 5952 has it and without a zone, an IPv4 address that is mapped into it as
 * IPv4. Undefined when `text` is no address.
 */
export function normalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text)) return undefined;
  const [address = ""] = text.split("%", 1);
  const normal = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = MAPPED.exec(normal);
  if (!mapped) return normal;
  const bytes = [mapped[1], mapped[2]].flatMap((part = "") => {
    const value = Number.parseInt(part, 16);
    return [value >>> 8, value & 0xff];
  });
  return bytes.join(".");
}
