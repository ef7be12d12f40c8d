// Knows the connections of a port, and lets them go without cutting a request off.
//
// A client learns that it is to send no more on a connection by `Connection: close` in an answer (HTTP/1.1) or by
// GOAWAY (HTTP/2). Until it has learned it, a request of its may be on the way, and is answered. An idle HTTP/1.1
// connection has no answer to learn it from: it is given a moment for a request that is under way, and then closed.

import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { pause } from "../pause.ts";
import type { Request, Response } from "./node-http.ts";

/** How long a request may be on its way to a connection that looks idle, in ms. */
const IDLE_GRACE_MS = 500;
/** The first GOAWAY of a graceful end names the highest stream id there is (RFC 9113, 6.8). */
const LAST_STREAM_ID = 2 ** 31 - 1;
/** How often it is looked whether all connections are gone, in ms. */
const CHECK_MS = 10;

export class Connections {
  /** HTTP/1.1 connections, and those of which the protocol is not known yet, with their unanswered requests. */
  readonly #sockets = new Map<Socket, Set<Response>>();
  readonly #sessions = new Set<Http2Session>();
  #isDraining = false;

  addSocket(socket: Socket): void {
    this.#sockets.set(socket, new Set());
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** The connection speaks HTTP/2: its session is known by itself. */
  dropSocket(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  addSession(session: Http2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    if (this.#isDraining) endSession(session);
  }

  addRequest(req: Request, res: Response): void {
    if (req.httpVersionMajor !== 1) return;
    const { socket } = req;
    const unanswered = this.#sockets.get(socket);
    if (!unanswered) return;
    unanswered.add(res);
    if (this.#isDraining) askToClose(res);
    res.once("close", () => {
      unanswered.delete(res);
      if (this.#isDraining && unanswered.size === 0) socket.end();
    });
  }

  /** Resolves to the number of connections that had to be cut when `deadlineMs` had passed. */
  async drain(deadlineMs: number): Promise<number> {
    this.#isDraining = true;
    const deadline = Date.now() + deadlineMs;
    for (const unanswered of this.#sockets.values()) unanswered.forEach(askToClose);
    for (const session of this.#sessions) endSession(session);
    const closeIdleAt = Date.now() + Math.min(IDLE_GRACE_MS, deadlineMs);
    let idleAreClosed = false;
    while (this.#sockets.size + this.#sessions.size > 0 && Date.now() < deadline) {
      if (!idleAreClosed && Date.now() >= closeIdleAt) {
        idleAreClosed = true;
        this.#closeIdle();
      }
      await pause(CHECK_MS);
    }
    const left = [...this.#sockets.keys(), ...this.#sessions];
    for (const connection of left) connection.destroy();
    return left.length;
  }

  #closeIdle(): void {
    for (const [socket, unanswered] of this.#sockets) if (unanswered.size === 0) socket.end();
  }
}

function askToClose(res: Response): void {
  if (!res.headersSent) res.setHeader("Connection", "close");
}

/** Tells the client to open no more streams, and after a moment takes no more; the streams under way finish. */
function endSession(session: Http2Session): void {
  if (session.closed || session.destroyed) return;
  session.goaway(0, LAST_STREAM_ID);
  setTimeout(() => {
    if (!session.closed && !session.destroyed) session.close();
  }, IDLE_GRACE_MS);
}
