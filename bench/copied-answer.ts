// The answer of the real server, for the empty handler to give as well.

import { request } from "node:http";
import { connect } from "node:http2";
import type { LoadRequest } from "./load.ts";

/** What Node's servers add by themselves. */
const ADDED_HEADERS: ReadonlySet<string> = new Set(["date", "connection", "keep-alive"]);

type Headers = readonly (readonly [string, string])[];

export interface Answer {
  readonly headers: Headers;
  /** In base64. */
  readonly body: string;
  /** Of HTTP/2. */
  readonly trailers: Headers;
}

/** Sends `load` once, and takes what comes back. Throws when it is no success. */
export function copyAnswer(url: string, load: LoadRequest, signal: AbortSignal): Promise<Answer> {
  return load.protocol === "http1" ? copyHttp1(url, load, signal) : copyHttp2(url, load, signal);
}

function copyHttp1(url: string, { path, headers, body }: LoadRequest, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { method: "POST", headers, signal }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        if (response.statusCode !== 200)
          reject(new Error(`${path} answers ${response.statusCode}: ${bytes}`));
        else resolve({ headers: copied(response.headers), body: bytes.toString("base64"), trailers: [] });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function copyHttp2(
  url: string,
  { path, headers, body }: LoadRequest,
  signal: AbortSignal,
): Promise<Answer> {
  const session = connect(url);
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request({ ...headers, ":method": "POST", ":path": path }, { signal });
      const chunks: Buffer[] = [];
      let answered: Headers = [];
      let trailers: Headers = [];
      stream.on("response", (received) => {
        answered = copied(received);
      });
      stream.on("trailers", (received) => {
        trailers = copied(received);
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", reject);
      stream.on("end", () => {
        const status = new Map([...answered, ...trailers]).get("grpc-status");
        if (status !== "0") reject(new Error(`${path} answers with the gRPC status ${status}`));
        else resolve({ headers: answered, body: Buffer.concat(chunks).toString("base64"), trailers });
      });
      stream.end(body);
    });
  } finally {
    session.close();
  }
}

function copied(headers: Readonly<Record<string, unknown>>): Headers {
  return Object.entries(headers)
    .filter(([name]) => !ADDED_HEADERS.has(name) && !name.startsWith(":"))
    .map(([name, value]) => [name, String(value)]);
}
