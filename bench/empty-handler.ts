// A process: a server of node:http that reads the body and answers the given bytes, and does nothing else. No server on
// node:http that reads its requests is faster.

import { createServer } from "node:http";
import type { Answer } from "./copied-answer.ts";

const answers: readonly Answer[] = JSON.parse(process.argv[2] ?? "[]");
const byPath = new Map(
  answers.map(({ path, headers, body }) => [path, { headers: headers.flat(), body: Buffer.from(body) }]),
);

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const answer = byPath.get(req.url ?? "");
    Buffer.concat(chunks);
    res.writeHead(answer ? 200 : 404, answer?.headers ?? []).end(answer?.body);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the port has no address");
  process.stdout.write(`ready on http://127.0.0.1:${address.port}\n`);
});
// Whoever started it is gone.
process.stdin.on("end", () => process.exit()).resume();
