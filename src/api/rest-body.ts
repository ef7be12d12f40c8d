// Reading the body of a REST request: bounded, whole or not at all.

import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

/** `too_large` when it is longer than asked; `aborted` when the sender went away before its end. */
export type Body = Buffer | "too_large" | "aborted";

/** How much of a body that is too large is still read, in bytes: a sender that gets an answer while it is sending
 *  may see a reset instead of the answer. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

export function readBody(req: IncomingMessage | Http2ServerRequest, maxBytes: number): Promise<Body> {
  if (Number(req.headers["content-length"]) > maxBytes + MAX_DISCARDED_BYTES) {
    return Promise.resolve("too_large");
  }
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    req.on("data", (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks = [];
      if (bytes > maxBytes + MAX_DISCARDED_BYTES) resolve("too_large");
    });
    req.on("end", () => resolve(bytes > maxBytes ? "too_large" : Buffer.concat(chunks)));
    req.on("error", () => resolve("aborted"));
    req.on("close", () => resolve("aborted"));
  });
}
