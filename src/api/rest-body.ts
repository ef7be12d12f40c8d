// Reading the body of a REST request: bounded, whole or not at all.

import type { Request } from "./node-http.ts";

/** `too_large` when it is longer than asked; `aborted` when the sender went away before its end. */
export type Body = Buffer | "too_large" | "aborted";

/** How much of a body that is too large is still read, in bytes: a sender that gets an answer while it is sending
 *  may see a reset instead of the answer. */
export const MAX_DISCARDED_BYTES = 1024 * 1024;

/** Reads `req` to its end, or up to `maxBytes`; of what is longer, no more than a bounded part. Never rejects. */
export function readBody(req: Request, maxBytes: number): Promise<Body> {
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
    // A stream of HTTP/2 that is reset without an error still says "end", after this: rest-http2.test.ts.
    req.on("aborted", () => resolve("aborted"));
    req.on("end", () => resolve(bytes > maxBytes ? "too_large" : Buffer.concat(chunks)));
    req.on("error", () => resolve("aborted"));
    req.on("close", () => resolve("aborted"));
  });
}

/** Reads a body that nobody wants, before an answer that says so. */
export async function discardBody(req: Request): Promise<void> {
  await readBody(req, 0);
}
