import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { userIds } from "../../src/import/user-id.ts";

const KEY = Buffer.alloc(32, 1);

test("a user id is the beginning of the address's HMAC under the key", () => {
  const expected = createHmac("sha256", KEY)
    .update("192.0.2.1")
    .digest()
    .subarray(0, 16)
    .toString("base64url");
  expect(userIds(KEY)("192.0.2.1")).toBe(expected);
});

test("a user id is the same each time and differs by address and by key", () => {
  const userId = userIds(KEY);
  const ids = ["192.0.2.1", "192.0.2.2", "192.0.2.1"].map(userId);
  expect(ids[2]).toBe(ids[0]);
  expect(new Set([...ids, userIds(Buffer.alloc(32, 2))("192.0.2.1")])).toHaveLength(3);
});

test("an unknown address has no user id", () => {
  expect(userIds(KEY)("-")).toBe("");
});
