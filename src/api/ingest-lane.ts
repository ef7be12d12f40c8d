// The short way of events: a plain request (ingest-shapes.ts) is read, stored and answered with next to nothing in
// between, where connect-node makes web headers, abort signals and chains of iterators for each call.
//
// It knows only success. All else goes to the full handlers, with the body that was read: a request that is not plain or
// not right, one that is not to be stored, and one that ingestion refused, of which nothing was stored. So there is one
// place that knows errors.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { joined } from "../buffers.ts";
import { type Ingest, IngestError } from "../ingest/ingest.ts";
import type { Origin } from "../ingest/origin.ts";
import { answerEncoding, type EventShape, type Shape, shapeOf } from "./ingest-shapes.ts";
import type { FullHandler } from "./node-http.ts";
import type { Origins } from "./origin.ts";
import type { PlainEnd, PlainTaker, RequestHead } from "./plain-taker.ts";
import { MAX_DISCARDED_BYTES } from "./rest-body.ts";

export class IngestLane {
  readonly #ingest: Ingest;
  readonly #origins: Origins;
  readonly #full: FullHandler;
  readonly #logger: Logger;
  /** The host that clients named last, which is a host. */
  #host: string | undefined;

  constructor(ingest: Ingest, origins: Origins, full: FullHandler, logger: Logger) {
    this.#ingest = ingest;
    this.#origins = origins;
    this.#full = full;
    this.#logger = logger;
  }

  /** How plain requests are taken that node:http and node:http2 do not have; undefined when they are for others. */
  takerOf({ path, headers }: RequestHead, peer: string | undefined): PlainTaker | undefined {
    const shape = shapeOf(path, headers);
    if (!shape || !this.#isHost(headers.host)) return undefined;
    const origin = this.#origins.of(peer, headers);
    if (origin.refusesTracking) return undefined;
    return {
      shape,
      headers: answerHeaders(shape, headers),
      take: (body, end) => this.#store(shape, body, origin, end),
    };
  }

  /** Takes a request over HTTP/1.1 when it is plain; false leaves it untouched. */
  http1(req: IncomingMessage, res: ServerResponse): boolean {
    const { headers, url: path = "" } = req;
    const isPost = req.httpVersionMinor === 1 && req.method === "POST";
    const taker = isPost ? this.takerOf({ path, headers }, req.socket.remoteAddress) : undefined;
    // gRPC needs HTTP/2.
    if (!taker || taker.shape.hasTrailers) return false;
    const { shape } = taker;
    readBody(req, shape.maxBytes, (body) => {
      taker.take(body, {
        answer: (text) => {
          const length = shape.hasLength && { "content-length": String(text.length) };
          res.writeHead(200, { ...taker.headers, ...length });
          // As a text, it is written with the head, in one piece.
          res.end(text, "latin1");
        },
        full: () => this.#full(req, res, body),
        fail: () => req.destroy(),
      });
    });
    return true;
  }

  #store(shape: Shape, body: Buffer, origin: Origin, end: PlainEnd): void {
    const onError = (error: unknown) => this.#onError(error, end);
    try {
      if (body.length > shape.maxBytes) {
        end.full();
        return;
      }
      const message = shape.message(body);
      if (shape.of === "batch") {
        const stored = message && this.#ingest.ingestPlainBatch(message);
        if (stored) stored.then(({ accepted }) => this.#answer(end, shape.answer(accepted)), onError);
        else end.full();
        return;
      }
      const taken = message && this.#ingest.ingestPlainEvent(message, origin);
      if (taken) taken.stored.then(() => this.#answer(end, shape.answer(taken.eventId)), onError);
      else this.#storeParsed(shape, body, origin, end).catch(onError);
    } catch (error) {
      onError(error);
    }
  }

  /** The same of an event that takes more than bytes. */
  async #storeParsed(shape: EventShape, body: Buffer, origin: Origin, end: PlainEnd): Promise<void> {
    const event = shape.event(body);
    const { firstId } = event ? await this.#ingest.ingest([event], origin) : {};
    if (firstId === undefined) end.full();
    else this.#answer(end, shape.answer(firstId));
  }

  #answer(end: PlainEnd, body: string): void {
    try {
      end.answer(body);
    } catch (error) {
      this.#fail(error, end);
    }
  }

  /** What ingestion refuses, the full handlers know how to answer. */
  #onError(error: unknown, end: PlainEnd): void {
    if (!(error instanceof IngestError)) {
      this.#fail(error, end);
      return;
    }
    try {
      end.full();
    } catch (failure) {
      this.#fail(failure, end);
    }
  }

  #fail(error: unknown, end: PlainEnd): void {
    this.#logger.error({ err: error }, "events could not be answered");
    end.fail();
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
  const done = () => {
    if (isDone) return;
    isDone = true;
    onBody(joined(chunks));
  };
  stream.on("data", (chunk: Buffer) => {
    if (bytes <= maxBytes) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes + MAX_DISCARDED_BYTES) done();
  });
  stream.on("end", done);
}

/** What the answer has beside its length. */
function answerHeaders(shape: Shape, request: IncomingHttpHeaders): Record<string, string> {
  const encoding = answerEncoding(shape, request);
  return {
    "content-type": shape.contentType,
    ...(encoding !== undefined && { "grpc-encoding": encoding }),
  };
}
