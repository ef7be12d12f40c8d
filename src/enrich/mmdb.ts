// A MaxMind DB (https://maxmind.github.io/MaxMind-DB/), whole in memory: a tree of the bits of addresses, the records
// that its leaves point to, and at the end the metadata. mmdb-lib reads it, and trusts it; so what it relies on is
// checked here.

import { isIP } from "node:net";
import { Reader, type Response } from "mmdb-lib";

/** What comes before the metadata, which are in the last 128 KiB. */
const METADATA_MARKER = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const MAX_METADATA_BYTES = 128 * 1024;
const FORMAT_VERSION = 2;
/** Between the tree and the records. */
const SEPARATOR_BYTES = 16;

/** Addresses of both kinds, in all parts of the tree. */
const SAMPLE = [
  "0.0.0.0",
  "8.8.8.8",
  "192.0.2.1",
  "255.255.255.255",
  "::",
  "2001:db8::1",
  "2a00::1",
  "ffff::",
];

export class Mmdb {
  readonly #reader: Reader<Response>;

  /** Throws an Error that says what is wrong when `bytes` are no such file. */
  constructor(bytes: Buffer) {
    const tail = bytes.subarray(-MAX_METADATA_BYTES);
    if (!tail.includes(METADATA_MARKER)) throw new Error("it is not a MaxMind DB (MMDB) file");
    try {
      this.#reader = new Reader(bytes);
      checkMetadata(this.#reader, bytes.length);
      for (const address of SAMPLE) this.record(address);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      throw new Error(`it is a damaged MaxMind DB (MMDB) file: ${detail}`, { cause: error });
    }
  }

  /**
   * The record for an IP address; null when there is none, or `address` is not one. Throws when the file is damaged
   * just there.
   */
  record(address: string): unknown {
    const version = isIP(address);
    // In a tree of IPv4 the bits of an IPv6 address would lead anywhere.
    if (version === 0 || version > this.#reader.metadata.ipVersion) return null;
    return this.#reader.get(address);
  }
}

function checkMetadata({ metadata }: Reader<Response>, fileBytes: number): void {
  const { binaryFormatMajorVersion, ipVersion, nodeCount, searchTreeSize } = metadata;
  if (binaryFormatMajorVersion !== FORMAT_VERSION)
    throw new Error(`it has version ${binaryFormatMajorVersion} of the format, not ${FORMAT_VERSION}`);
  if (ipVersion !== 4 && ipVersion !== 6) throw new Error(`it is of IP version ${ipVersion}, not 4 or 6`);
  if (!(nodeCount > 0)) throw new Error("its tree is empty");
  if (searchTreeSize + SEPARATOR_BYTES > fileBytes) throw new Error("its tree goes beyond its end");
}
