import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { isOfGoneClient } from "../../src/api/gone.ts";

function ofWrite(code: string): ConnectError {
  const cause = Object.assign(new Error(`write ${code}`), { code });
  return new ConnectError(cause.message, Code.Internal, undefined, undefined, cause);
}

test.for([
  { what: "a request that was given up", error: new ConnectError("gone", Code.Aborted), expected: true },
  { what: "a write to a connection that has ended", error: ofWrite("EPIPE"), expected: true },
  { what: "a write under way when it ended", error: ofWrite("ECANCELED"), expected: true },
  { what: "a stream that was reset", error: ofWrite("ERR_HTTP2_STREAM_ERROR"), expected: true },
  { what: "a session that was broken off", error: ofWrite("ERR_HTTP2_SESSION_ERROR"), expected: true },
  { what: "a session against the rules", error: ofWrite("ERR_HTTP2_ERROR"), expected: true },
  { what: "a write that failed otherwise", error: ofWrite("ENOSPC"), expected: false },
  { what: "a fault of ours", error: new ConnectError("internal error", Code.Internal), expected: false },
  { what: "an error of any kind", error: new TypeError("x is not a function"), expected: false },
])("$what: the client is gone is $expected", ({ error, expected }) => {
  expect(isOfGoneClient(error)).toBe(expected);
});
