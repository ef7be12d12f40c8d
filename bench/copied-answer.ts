// The answer of the real server, for the empty handler to give as well.

import { request } from "node:http";

/** What Node's HTTP server adds by itself. */
const ADDED_HEADERS: ReadonlySet<string> = new Set(["date", "connection", "keep-alive"]);

export interface Answer {
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Posts `body` as JSON, and takes what comes back. Throws when it is no success. */
export function copyAnswer(url: string, path: string, body: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, signal };
    const sent = request(url + path, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode !== 200) reject(new Error(`${path} answers ${response.statusCode}: ${text}`));
        else resolve({ path, headers: headersOf(response.rawHeaders), body: text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Names and values stand one behind the other in `raw`. */
function headersOf(raw: readonly string[]): [string, string][] {
  const headers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const [name = "", value = ""] = raw.slice(index, index + 2);
    if (!ADDED_HEADERS.has(name.toLowerCase())) headers.push([name, value]);
  }
  return headers;
}
