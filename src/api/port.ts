// The one port: HTTP/1.1 and HTTP/2 in clear text, told apart by the first bytes; or, with a certificate, only TLS,
// where ALPN tells them apart.
//
// http.Server owns the listening socket, as a net.Server that hands connections to it would lose its header time-outs
// and its clean closing. The sniffer stands before the listeners that it had for `connection`.

import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Logger } from "pino";
import { ClientErrors } from "./client-error.ts";
import { limitConnections } from "./connection-limit.ts";
import { Connections } from "./drain.ts";
import type { Handler, Request, Response } from "./node-http.ts";
import { PlainConnection } from "./plain-connection.ts";
import type { TakerOf } from "./plain-taker.ts";
import { setPeer } from "./session-peer.ts";
import { SharedSession } from "./shared-session.ts";
import { sniffProtocol } from "./sniff.ts";
import { Turns } from "./turns.ts";

export interface PortOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM. With it, the port speaks TLS only. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer };
  readonly handler: Handler;
  /** Whether the answer to a request may be a large one: then it waits for its turn. */
  readonly hasLargeAnswer?: (req: Request) => boolean;
  /** Is asked first, and takes a request or leaves it to `handler`. */
  readonly lane?: Lane | undefined;
  readonly logger: Logger;
  /** For tests: a client must have said what it speaks, and sent its headers, within this many ms. */
  readonly headersTimeoutMs?: number;
  /** Further connections are closed at once. */
  readonly maxConnections?: number;
}

/** A shorter way for some requests. False leaves one untouched. */
interface Lane {
  /** For connections that node:http and node:http2 do not have. */
  takerOf: TakerOf;
  http1(req: http.IncomingMessage, res: http.ServerResponse): boolean;
}

export interface Port {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, lets the present ones finish, and cuts what is left after `deadlineMs`. */
  drain(deadlineMs: number): Promise<void>;
}

/** Far more than headers need on a bad line, in ms; what sends them slower holds a connection for nothing. */
const HEADERS_TIMEOUT_MS = 15_000;
/** A whole request over HTTP/1.1, in ms. A longer stream needs HTTP/2, which has no such limit. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Longer than the 60 s after which common load balancers close: so that it is never we who close under a request. */
const KEEP_ALIVE_MS = 65_000;
/** An HTTP/2 session without any traffic ends after this, in ms; its streams, if it has some, may finish. */
const IDLE_SESSION_MS = 600_000;
/** A peer that is gone without a word is noticed by TCP's keep-alive, which begins after this, in ms. */
const TCP_KEEP_ALIVE_MS = 60_000;
/** Bulk feeds over distance are not held up by small windows; in bytes, for a stream and a session. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 4 * 1024 * 1024;
const MAX_CONCURRENT_STREAMS = 1000;
/** Connections that come faster than they are accepted are not waited for longer than this, in ms. */
const ACCEPT_WAITING_MS = 250;

/** Begins to listen. Rejects with an error that tells an operator what to do. */
export async function openPort(options: PortOptions): Promise<Port> {
  const connections = new Connections();
  const onRequest = guarded(options, connections);
  const server = options.tls
    ? secureServer(options.tls, options, onRequest, connections)
    : clearTextServer(options, onRequest, connections);
  limitConnections(server, options.maxConnections ?? Number.POSITIVE_INFINITY, options.logger);
  await listen(server, options);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the port has no address");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `${options.tls ? "https" : "http"}://${host}:${address.port}`,
    port: address.port,
    drain: async (deadlineMs) => {
      // First the door is closed, while clients have connections that they can go on with: told to leave, they would
      // come back by new ones, and those that the kernel has not handed over when the door closes are reset.
      await acceptWaiting(server);
      // Not server.close(): since Node 19 it destroys idle connections, and cuts requests that are on their way.
      net.Server.prototype.close.call(server);
      connections.startDrain();
      const cut = await connections.endDrain(deadlineMs);
      if (cut > 0) options.logger.warn({ cut }, "connections were cut: they did not finish in time");
    },
  };
}

/** The handler, its requests known to `connections`, and a bug in it kept from ending the process. */
function guarded(options: PortOptions, connections: Connections): Handler {
  const { handler, hasLargeAnswer, lane, logger } = options;
  const turns = new Turns();
  const guard = (res: Response, handle: () => void) => {
    try {
      handle();
    } catch (error) {
      logger.error({ err: error }, "a request handler failed");
      if (!res.headersSent) res.statusCode = 500;
      res.end();
    }
  };
  return (req, res) => {
    if (!connections.addRequest(req, res)) return;
    guard(res, () => {
      const isTaken =
        req instanceof http.IncomingMessage && res instanceof http.ServerResponse && lane?.http1(req, res);
      if (isTaken) return;
      if (hasLargeAnswer?.(req)) turns.take(req, res, () => guard(res, () => handler(req, res)));
      else handler(req, res);
    });
  };
}

/**
 * What answers of a session may have in memory, in MB, before it takes no new streams. Node counts what was left of an answer
 * that the client has reset for as long as the session lasts: with its own limit of 10, such clients came to an end soon.
 */
const SESSION_MEMORY_MB = 32;

const HTTP2_OPTIONS = {
  maxSessionMemory: SESSION_MEMORY_MB,
  settings: {
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
    // As HTTP/1.1 has it. Without it, there is next to no limit.
    maxHeaderListSize: http.maxHeaderSize,
  },
};

/** Takes requests of which the body is to be asked for. Of one that is pipelined it is not, as may be (RFC 9110, 10.1.1): while its
 *  answer waits for others, Node would put "100 Continue" into it. */
function continued(onRequest: Handler): Handler {
  return (req, res) => {
    if (res.socket !== null) res.writeContinue();
    onRequest(req, res);
  };
}

function http1Options(headersTimeout: number) {
  return {
    headersTimeout,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: Math.ceil(headersTimeout / 3),
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  };
}

/** Serves what node:http would answer by itself. */
function serveUnusual(server: net.Server, onRequest: Handler, connections: Connections): void {
  server.on("checkContinue", continued(onRequest));
  server.on("clientError", new ClientErrors((socket) => connections.unansweredOf(socket)).handle);
}

function clearTextServer(options: PortOptions, onRequest: Handler, connections: Connections): http.Server {
  const headersTimeout = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const server = http.createServer(http1Options(headersTimeout), onRequest);
  serveUnusual(server, onRequest, connections);
  const http2Server = http2.createServer(HTTP2_OPTIONS, onRequest);
  http2Server.on("sessionError", onSessionError(options));
  const toHttp2 = (connection: Duplex) => http2Server.emit("connection", connection);
  const toHttp1 = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: net.Socket) => {
    connections.add(socket);
    sniffProtocol(socket, headersTimeout, (protocol) => {
      if (protocol === "http2") {
        connections.addSession(socket, serveHttp2(http2Server, socket, options, toHttp2));
        return;
      }
      servePlain(socket, options, connections, () => {
        for (const listener of toHttp1) listener.call(server, socket);
      });
    });
  });
  return server;
}

/** Serves a connection without node:http for as long as that goes; `leave` gives it to node:http. */
function servePlain(
  socket: net.Socket,
  options: PortOptions,
  connections: Connections,
  leave: () => void,
): void {
  if (!options.lane) {
    leave();
    return;
  }
  const plain = new PlainConnection(socket, {
    takerOf: guardedTakerOf(options.lane, options.logger),
    isDraining: () => connections.isDraining,
    keepAliveMs: KEEP_ALIVE_MS,
    leave: () => {
      connections.setPlain(socket, undefined);
      leave();
    },
  });
  connections.setPlain(socket, plain);
}

/** Serves a connection together with node:http2; `toNode` gives that its side of it. */
function serveHttp2(
  server: net.Server,
  socket: net.Socket,
  { lane, logger, headersTimeoutMs = HEADERS_TIMEOUT_MS }: PortOptions,
  toNode: (connection: Duplex) => void,
): SharedSession {
  const shared = new SharedSession(socket, {
    takerOf: lane ? guardedTakerOf(lane, logger) : () => undefined,
    close: () => session?.close(),
    maxHeaderListBytes: http.maxHeaderSize,
    maxConcurrentStreams: MAX_CONCURRENT_STREAMS,
    headersTimeoutMs,
    logger,
  });
  let session: http2.ServerHttp2Session | undefined;
  const onSession = (ofNode: http2.ServerHttp2Session) => {
    session = ofNode;
    setPeer(session, socket);
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
  };
  server.on("session", onSession);
  toNode(shared.nodeConnection);
  server.off("session", onSession);
  socket.setTimeout(IDLE_SESSION_MS, () => shared.leave());
  return shared;
}

function onSessionError({ logger }: PortOptions) {
  return (error: Error) => logger.debug({ err: error }, "an HTTP/2 session failed");
}

function guardedTakerOf(lane: Lane, logger: Logger): TakerOf {
  return (head, peer) => {
    try {
      return lane.takerOf(head, peer);
    } catch (error) {
      logger.error({ err: error }, "the head of a request could not be judged");
      return undefined;
    }
  };
}

function secureServer(
  tls: { readonly cert: Buffer; readonly key: Buffer },
  options: PortOptions,
  onRequest: Handler,
  connections: Connections,
): http2.Http2SecureServer {
  const handshakeTimeout = options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS;
  const secureOptions = { ...HTTP2_OPTIONS, ...http1Options(handshakeTimeout), ...tls, handshakeTimeout };
  const server = createSecureServer(secureOptions, onRequest);
  serveUnusual(server, onRequest, connections);
  server.on("sessionError", onSessionError(options));
  const listeners = server.listeners("secureConnection");
  server.removeAllListeners("secureConnection");
  const toNode = (connection: Duplex) => {
    for (const listener of listeners) listener.call(server, connection);
  };
  // The connection beneath a TLS socket never looks idle after its handshake, as more has come than when it was new.
  server.on("connection", (socket: net.Socket) => connections.add(socket));
  server.on("secureConnection", (socket) => {
    if (socket.alpnProtocol === "h2") {
      connections.addSession(socket, serveHttp2(server, socket, options, toNode));
      return;
    }
    connections.addSocket(socket);
    // Whether it is HTTP/1.1 is settled, but not whether anything comes.
    sniffProtocol(socket, handshakeTimeout, () => {
      servePlain(socket, options, connections, () => toNode(socket));
    });
  });
  server.on("tlsClientError", (error) => options.logger.debug({ err: error }, "a TLS handshake failed"));
  return server;
}

function createSecureServer(
  secureOptions: http2.SecureServerOptions,
  onRequest: Handler,
): http2.Http2SecureServer {
  try {
    return http2.createSecureServer({ ...secureOptions, allowHTTP1: true }, onRequest);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new Error(
      `the TLS certificate and key cannot be used (${detail}): both must be PEM and belong together`,
      { cause: error },
    );
  }
}

function listen(server: net.Server, { host, port, logger }: PortOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(explain(error, host, port));
    server.once("error", onError);
    server.listen({ host, port }, () => {
      server.off("error", onError);
      // A connection that could not be accepted: too many files are open, say. It must not end the process.
      server.on("error", (error) => logger.warn({ err: error }, "a connection could not be accepted"));
      resolve();
    });
  });
}

/**
 * Resolves when the connections are accepted that the kernel has made by now, of which Node takes one a turn of its
 * loop: closing the listening socket would reset them.
 */
async function acceptWaiting(server: net.Server): Promise<void> {
  const deadline = Date.now() + ACCEPT_WAITING_MS;
  // The turn in which this begins may have looked for connections already.
  const quietTurns = 2;
  let turnsLeft = quietTurns;
  const onConnection = () => {
    turnsLeft = quietTurns;
  };
  server.on("connection", onConnection);
  for (; turnsLeft > 0 && Date.now() < deadline; turnsLeft -= 1) await nextTurn();
  server.off("connection", onConnection);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another program listens there: stop it, or choose another with --port or FOOTFALL_PORT",
    EACCES: "this user may not use that port: choose one above 1023 with --port or FOOTFALL_PORT",
    EADDRNOTAVAIL: "this machine does not have that address: choose another with --host or FOOTFALL_HOST",
    ENOTFOUND: "there is no such host name: choose another with --host or FOOTFALL_HOST",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return Object.assign(new Error(`cannot listen on ${host}:${port}: ${reason}`, { cause: error }), {
    code: error.code,
  });
}
