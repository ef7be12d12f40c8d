// Whether an answer came to nothing as the one who asked is gone.

import { Code, ConnectError } from "@connectrpc/connect";

/** What node says of a write to a connection that has ended, beside what connect-node takes for that: EPIPE before it begins, and
 *  ECANCELED, libuv's code, when it was under way. */
const ENDED = new Set<unknown>(["EPIPE", "ECANCELED"]);

/** Of what connect-node could not answer a request for. */
export function isOfGoneClient(error: unknown): boolean {
  const { code, cause } = ConnectError.from(error);
  return code === Code.Aborted || (cause instanceof Error && "code" in cause && ENDED.has(cause.code));
}
