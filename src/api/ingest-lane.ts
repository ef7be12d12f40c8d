// The short way of single events: a plain request (ingest-shapes.ts) is read, stored and answered with next to nothing in
// between, where connect-node makes web headers, abort signals and chains of iterators for each call.
//
// It knows only success. All else goes to the full handlers, with the body that was read: a request that is not plain or
// not right, one that is not to be stored, and one that ingestion refused, of which nothing was stored. So there is one
// place that knows errors.

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { type Ingest, IngestError } from "../ingest/ingest.ts";
import type { Origin } from "../ingest/origin.ts";
import { answerEncoding, type Shape, shapeOf } from "./ingest-shapes.ts";
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
    const shape = shapeOf("POST", path, headers);
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
    const { headers } = req;
    const shape = req.httpVersionMinor === 1 ? shapeOf(req.method, req.url, headers) : undefined;
    // gRPC needs HTTP/2.
    if (!shape || shape.hasTrailers || !this.#isHost(headers.host)) return false;
    const origin = this.#origins.ofRequest(req);
    if (origin.refusesTracking) return false;
    readBody(req, shape.maxBytes, (body) => {
      this.#store(shape, body, origin, {
        answer: (eventId) => {
          const bytes = shape.answer(eventId);
          const length = shape.hasLength && { "content-length": String(bytes.length) };
          res.writeHead(200, { ...answerHeaders(shape, headers), ...length });
          // As text in which each character is a byte, it is written with the head, in one piece.
          res.end(bytes.toString("latin1"), "latin1");
        },
        full: () => this.#full(req, res, body),
        fail: () => req.destroy(),
      });
    });
    return true;
  }

  #store(shape: Shape, body: Buffer, origin: Origin, call: PlainEnd): void {
    const onError = (error: unknown) => this.#onError(error, call);
    if (body.length > shape.maxBytes) {
      this.#end(call, undefined);
      return;
    }
    try {
      const message = shape.message(body);
      const taken = message && this.#ingest.ingestPlainEvent(message, origin);
      if (taken) taken.stored.then(() => this.#end(call, taken.eventId), onError);
      else this.#takeParsed(shape, body, origin).then((eventId) => this.#end(call, eventId), onError);
    } catch (error) {
      onError(error);
    }
  }

  /** Resolves to the id of the event when it is stored; to undefined when it is not right. Rejects when it is refused. */
  async #takeParsed(shape: Shape, body: Buffer, origin: Origin): Promise<string | undefined> {
    const event = shape.event(body);
    return event && (await this.#ingest.ingest([event], origin)).firstId;
  }

  /** Answers that the event with this id is stored; without one, the full handlers are to judge it. */
  #end(call: PlainEnd, eventId: string | undefined): void {
    try {
      if (eventId === undefined) call.full();
      else call.answer(eventId);
    } catch (error) {
      this.#fail(error, call);
    }
  }

  #onError(error: unknown, call: PlainEnd): void {
    if (error instanceof IngestError) this.#end(call, undefined);
    else this.#fail(error, call);
  }

  #fail(error: unknown, call: PlainEnd): void {
    this.#logger.error({ err: error }, "an event could not be answered");
    call.fail();
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

/**
 * Reads a body to its end; of one that is longer than `maxBytes`, it gives more than that, and not all.
 *
 * When it has given the body, it holds on to nothing: V8 keeps a stream of HTTP/2, which is over, with its listeners and
 * all that they hold, until it collects the whole heap, and copies all of it twice before that.
 */
function readBody(stream: Readable, maxBytes: number, onBody: (body: Buffer) => void): void {
  let chunks: Buffer[] = [];
  let bytes = 0;
  let give: typeof onBody | undefined = onBody;
  stream.on("data", (chunk: Buffer) => {
    if (bytes <= maxBytes) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes + MAX_DISCARDED_BYTES) done();
  });
  stream.on("end", done);
  function done(): void {
    const [first] = chunks;
    const body = chunks.length === 1 && first ? first : Buffer.concat(chunks);
    const giveOnce = give;
    chunks = [];
    give = undefined;
    giveOnce?.(body);
  }
}

/** What the answer has beside its length. */
function answerHeaders(shape: Shape, request: IncomingHttpHeaders): Record<string, string> {
  const encoding = answerEncoding(shape, request);
  return {
    "content-type": shape.contentType,
    ...(encoding !== undefined && { "grpc-encoding": encoding }),
  };
}
