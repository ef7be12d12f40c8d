// Who a visitor is: a keyed hash of the client's address. Without the key nobody can find the address by trying.

import { createHmac } from "node:crypto";

/** 128 bits: more than enough to keep any number of visitors apart, and short in every table. */
const USER_ID_BYTES = 16;

/** What a log has for an address that is not known. */
const UNKNOWN = "-";

/** The user id of a client address under `key`: HMAC-SHA256, the first 16 bytes, in base64url; "" if not known. */
export function userIds(key: Buffer): (address: string) => string {
  return (address) => {
    if (address === UNKNOWN) return "";
    return createHmac("sha256", key).update(address).digest().toString("base64url", 0, USER_ID_BYTES);
  };
}
