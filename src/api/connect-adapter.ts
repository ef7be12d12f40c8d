// Serves a ConnectRouter over node:http and node:http2. It does what connectNodeAdapter of @connectrpc/connect-node
// does, but failures go to our logger instead of console.error, and a request that cannot be read as one (without a
// Host header, say) is answered instead of thrown at the process.

import { base64Decode } from "@bufbuild/protobuf/wire";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { parseTimeout as parseConnectTimeout } from "@connectrpc/connect/protocol-connect";
import { parseTimeout as parseGrpcTimeout } from "@connectrpc/connect/protocol-grpc";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { once } from "../once.ts";
import { isOfGoneClient } from "./gone.ts";
import { helpfulAnswer } from "./helpful-answer.ts";
import { EVENT_JSON } from "./json-options.ts";
import { withFieldLimit } from "./message-size.ts";
import { type FullHandler, type Handler, pathOf, type Request, respondJson } from "./node-http.ts";
import { ORIGIN, type Origins } from "./origin.ts";

/** What answers may be compressed with, and requests may be. */
export const ACCEPT_COMPRESSION = [compressionGzip, compressionBrotli];

export interface ConnectHandlerOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** Takes the requests that are for none of the routes. */
  readonly fallback: Handler;
  readonly origins: Origins;
  readonly logger: Logger;
  /** Aborts the signals of all handlers. */
  readonly shutdownSignal: AbortSignal;
}

export function createConnectHandler(options: ConnectHandlerOptions): FullHandler {
  const { routes, fallback, origins, logger, shutdownSignal } = options;
  const handlersWith = (acceptCompression: ConnectRouterOptions["acceptCompression"] = []) => {
    const interceptors = [hideInternalErrors(logger)];
    const router = createConnectRouter({
      ...{ acceptCompression, interceptors, jsonOptions: EVENT_JSON, shutdownSignal },
    });
    routes(router);
    return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  };
  // When they are needed first: until then, events are taken in by other ways, and a server is to start soon.
  const ofJson = once(() => handlersWith(ACCEPT_COMPRESSION));
  const ofBinary = once(() => handlersWith(ACCEPT_COMPRESSION.map(withFieldLimit)));
  return (req, res, body) => {
    const handler = (isJson(req) ? ofJson : ofBinary)().get(pathOf(req));
    if (!handler) return fallback(req, res);
    // connect-node takes its own listener off when the response closes. That of a pipelined request closes between Node's
    // looking for listeners and its emitting the error of a lost connection, which without any would end the process.
    req.on("error", ignore);
    let request: ReturnType<typeof universalRequestFromNodeRequest>;
    try {
      const values = createContextValues().set(ORIGIN, origins.ofRequest(req));
      request = universalRequestFromNodeRequest(req, res, undefined, values);
    } catch {
      return respondJson(req, res, 400, { error: "The Host header is missing or not valid" });
    }
    if (req.method === "GET" && !hasReadableMessage(new URL(request.url))) {
      const message = "the parameter message is not base64, as the parameter base64 says";
      return respondJson(req, res, 400, { code: "invalid_argument", message });
    }
    dropFarDeadline(request.header);
    const whole = req.httpVersionMajor === 1 ? wholeBody(req) : request.body;
    handler({ ...request, body: body ? createAsyncIterable([body]) : whole })
      .then((response) => helpfulAnswer(response, handler.method, request))
      .then((response) => universalResponseToNodeResponse(response, res))
      .catch((error: unknown) => {
        logger[isOfGoneClient(error) ? "debug" : "error"](
          { err: error, rpc: handler.method.name },
          "an RPC could not be answered",
        );
      });
  };
}

/**
 * The body of a request over HTTP/1.1. What is refused before its end is still read to its end, and thrown away: some
 * senders read no answer before they have sent everything, and would wait for ever, or see a reset.
 */
async function* wholeBody(req: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* req.iterator({ destroyOnReturn: false });
  } finally {
    req.resume();
  }
}

/** Whether messages are in JSON; or small, as those of GET are. */
function isJson({ headers }: Request): boolean {
  return /json/i.test(headers["content-type"] ?? "json");
}

function ignore(): void {}

/** Whether the message of a Connect GET can be read, which for connect-node would be an internal error. */
function hasReadableMessage({ searchParams }: URL): boolean {
  if (searchParams.get("base64") !== "1") return true;
  try {
    base64Decode(searchParams.get("message") ?? "");
    return true;
  } catch {
    return false;
  }
}

/** Node's timers take no more, in ms, and end at once when they are given more. That is 25 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Leaves a deadline that is further away to the client, who keeps it in any case. */
function dropFarDeadline(header: Headers): void {
  const isFar = ({ timeoutMs = 0 }: ReturnType<typeof parseGrpcTimeout>) => timeoutMs > MAX_TIMER_MS;
  const read = (name: string, parse: typeof parseGrpcTimeout) =>
    parse(header.get(name), Number.POSITIVE_INFINITY);
  if (isFar(read("grpc-timeout", parseGrpcTimeout))) header.delete("grpc-timeout");
  if (isFar(read("connect-timeout-ms", parseConnectTimeout))) header.delete("connect-timeout-ms");
}

/** Bugs are logged, and told to the client as no more than that. */
function hideInternalErrors(logger: Logger): Interceptor {
  return (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (error instanceof ConnectError || request.signal.aborted) throw error;
      logger.error({ err: error, rpc: request.method.name }, "an RPC failed");
      throw new ConnectError("internal error", Code.Internal, undefined, undefined, error);
    }
  };
}
