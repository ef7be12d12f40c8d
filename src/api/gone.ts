// Whether an answer came to nothing as the one who asked is gone.

import { Code, ConnectError } from "@connectrpc/connect";

/** What node says of a write to a connection that has ended, beside what connect-node takes for that: EPIPE before it begins, and
 *  ECANCELED, libuv's code, when it was under way; and over HTTP/2, when the client broke the stream or the session off. */
const ENDED = new Set<unknown>([
  ...["EPIPE", "ECANCELED"],
  ...["ERR_HTTP2_STREAM_ERROR", "ERR_HTTP2_SESSION_ERROR", "ERR_HTTP2_ERROR"],
]);

/** Of what connect-node could not answer a request for. */
export function isOfGoneClient(error: unknown): boolean {
  const { code, cause } = ConnectError.from(error);
  return code === Code.Aborted || (cause instanceof Error && "code" in cause && ENDED.has(cause.code));
}
