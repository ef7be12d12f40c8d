// Requests and answers of node:http and node:http2 alike.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;
export type Handler = (req: Request, res: Response) => void;
/** A handler of requests whose body may have been read already. */
export type FullHandler = (req: Request, res: Response, body?: Buffer) => void;

/** The target of a request up to the "?". */
export function pathOf({ url = "" }: Request): string {
  return url.split("?", 1)[0] ?? "";
}

/** Answers with a body of JSON. */
export function respondJson(
  req: Request,
  res: Response,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(JSON.stringify(body));
  res.statusCode = status;
  res.setHeader("Content-Type", "application/json");
  res.setHeader("Content-Length", bytes.byteLength);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  // What is left of a body that was refused is not read: an HTTP/1.1 connection cannot go on behind it.
  if (!req.complete && req.httpVersionMajor === 1) res.setHeader("Connection", "close");
  if (req.method === "HEAD") res.end();
  else res.end(bytes);
  if (!req.complete) req.resume();
}
