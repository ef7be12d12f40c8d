// The short way of single events: a plain request (ingest-shapes.ts) is read, stored and answered with next to nothing in
// between, where connect-node makes web headers, abort signals and chains of iterators for each call.
//
// It knows only success. All else goes to the full handlers, with the body that was read: a request that is not plain or
// not right, and one that ingestion refused, of which nothing was stored. So there is one place that knows errors.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { constants, Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from "node:http2";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { type Ingest, IngestError } from "../ingest/ingest.ts";
import { answerEncoding, type Shape, shapeOf } from "./ingest-shapes.ts";
import type { FullHandler } from "./node-http.ts";
import { MAX_DISCARDED_BYTES } from "./rest-body.ts";

export class IngestLane {
  readonly #ingest: Ingest;
  readonly #full: FullHandler;
  readonly #logger: Logger;
  /** The host that clients named last, which is a host. */
  #host: string | undefined;

  constructor(ingest: Ingest, full: FullHandler, logger: Logger) {
    this.#ingest = ingest;
    this.#full = full;
    this.#logger = logger;
  }

  /** Takes a request over HTTP/1.1 when it is plain; false leaves it untouched. */
  http1(req: IncomingMessage, res: ServerResponse): boolean {
    const { headers } = req;
    const shape = req.httpVersionMinor === 1 ? shapeOf(req.method, req.url, headers) : undefined;
    // gRPC needs HTTP/2.
    if (!shape || shape.trailers || !this.#isHost(headers.host)) return false;
    const full = (body: Buffer) => this.#full(req, res, body);
    const answer = (eventId: string) => {
      const bytes = shape.answer(eventId);
      res.writeHead(200, answerHeaders(shape, bytes, headers));
      // As text in which each character is a byte, it is written with the head, in one piece.
      res.end(bytes.toString("latin1"), "latin1");
    };
    readBody(req, shape.maxBytes, (body) => {
      this.#store(shape, body, answer, full).catch((error: unknown) => {
        this.#logger.error({ err: error }, "an event could not be answered");
        req.destroy();
      });
    });
    return true;
  }

  /** Takes a stream of HTTP/2 when it is plain; false leaves it untouched. */
  http2(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): boolean {
    const shape = shapeOf(text(headers[":method"]), text(headers[":path"]), headers);
    if (!shape || !this.#isHost(text(headers[":authority"]))) return false;
    // Its client is gone: there is nobody to tell.
    stream.on("error", () => {});
    const full = (body: Buffer) => {
      const req = new Http2ServerRequest(stream, headers, {}, rawHeaders);
      this.#full(req, new Http2ServerResponse(stream), body);
    };
    const answer = (eventId: string) => {
      if (stream.destroyed) return;
      const bytes = shape.answer(eventId);
      const { trailers } = shape;
      stream.respond(answerHeaders(shape, bytes, headers), { waitForTrailers: trailers !== undefined });
      if (trailers) stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(bytes);
    };
    readBody(stream, shape.maxBytes, (body) => {
      // A stream that was reset says "end" as well: who takes a request back wants none of it.
      if (stream.aborted) return;
      this.#store(shape, body, answer, full).catch((error: unknown) => {
        this.#logger.error({ err: error }, "an event could not be answered");
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      });
    });
    return true;
  }

  async #store(
    shape: Shape,
    body: Buffer,
    answer: (eventId: string) => void,
    full: (body: Buffer) => void,
  ): Promise<void> {
    const eventId = await this.#stored(shape, body);
    if (eventId === undefined) full(body);
    else answer(eventId);
  }

  /** The id of the event in `body`, when it is stored; undefined when it was not, for whatever reason. */
  async #stored(shape: Shape, body: Buffer): Promise<string | undefined> {
    const event = body.length > shape.maxBytes ? undefined : shape.event(body);
    if (!event) return undefined;
    try {
      const { firstId } = await this.#ingest.ingest([event]);
      return firstId;
    } catch (error) {
      if (error instanceof IngestError) return undefined;
      throw error;
    }
  }

  /** Whether `host` can be a part of a URL, as the full handlers want it. */
  #isHost(host: string | undefined): boolean {
    if (host === undefined) return false;
    if (host !== this.#host) {
      if (!URL.canParse(`http://${host}`)) return false;
      this.#host = host;
    }
    return true;
  }
}

/** Reads a body to its end; of one that is longer than `maxBytes`, it gives more than that, and not all. */
function readBody(stream: Readable, maxBytes: number, onBody: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let isDone = false;
  stream.on("data", (chunk: Buffer) => {
    if (bytes <= maxBytes) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes + MAX_DISCARDED_BYTES) done();
  });
  stream.on("end", done);
  function done(): void {
    if (isDone) return;
    isDone = true;
    const [first] = chunks;
    onBody(chunks.length === 1 && first ? first : Buffer.concat(chunks));
  }
}

function answerHeaders(shape: Shape, body: Buffer, request: IncomingHttpHeaders): Record<string, string> {
  const headers: Record<string, string> = { "content-type": shape.contentType };
  if (shape.hasLength) headers["content-length"] = String(body.length);
  const encoding = answerEncoding(shape, request);
  if (encoding !== undefined) headers["grpc-encoding"] = encoding;
  return headers;
}

function text(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
