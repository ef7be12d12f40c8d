// A process: a server of node:http or node:http2 that reads the body and answers the given bytes, and does nothing
// else. No server on Node's own HTTP that reads its requests is faster. Arguments: the protocol, and an Answer.

import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { Readable } from "node:stream";
import type { Answer } from "./copied-answer.ts";
import { serveBenchmark } from "./serve-benchmark.ts";

const [protocol, json = ""] = process.argv.slice(2);
const answer: Answer = JSON.parse(json);
const body = Buffer.from(answer.body, "base64");
serveBenchmark(protocol === "http1" ? http1Server() : http2Server());

function http1Server() {
  const headers = answer.headers.flat();
  return createServer((req, res) => {
    onBody(req, () => {
      res.writeHead(200, headers);
      res.end(body);
    });
  });
}

function http2Server() {
  const headers = { ":status": 200, ...Object.fromEntries(answer.headers) };
  const trailers = Object.fromEntries(answer.trailers);
  const server = createHttp2Server();
  server.on("stream", (stream) => {
    // The client has left, at the end of a measurement.
    stream.on("error", () => {});
    onBody(stream, () => {
      if (stream.destroyed) return;
      stream.respond(headers, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(body);
    });
  });
  return server;
}

function onBody(stream: Readable, whenRead: () => void): void {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    Buffer.concat(chunks);
    whenRead();
  });
}
