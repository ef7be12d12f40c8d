// Knows the connections of a port, and lets them go without cutting a request off.
//
// HTTP/1.1: a client learns from `Connection: close` in an answer that it is to send no more. Until it has learned it,
// a request of its may be on the way, and is answered. An idle connection has no answer to learn it from: it is given a
// moment for a request that is under way, and then closed. A request that meets the closing itself gets no answer, as
// the protocol has no remedy for that (RFC 9112, 9.5); but neither is it carried out, so it can be sent again.
//
// HTTP/2: a first GOAWAY announces the end; a second one, when the client has heard the first, names the last stream that
// is answered. What the client sends behind that is not carried out, and can be sent again (RFC 9113, 6.8).

import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pause } from "../pause.ts";
import type { Request, Response } from "./node-http.ts";
import type { PlainConnection } from "./plain-connection.ts";
import type { SharedSession } from "./shared-session.ts";

/** How long a request may be on its way to a connection that looks idle, in ms. */
const IDLE_GRACE_MS = 500;
/** How often it is looked whether connections are idle, or all are gone, in ms. */
const CHECK_MS = 10;

/** How often it is looked whether connections are used, in ms. */
const SWEEP_MS = 1000;
/** A connection of node:http's that does not read, and has written nothing for so long, in ms, is over. */
const STUCK_MS = 60_000;

interface Http1State {
  readonly unanswered: Set<ServerResponse>;
  /** In ms. */
  idleSince: number;
  /** What had come when it became idle. More than that is a request that is coming in. */
  bytesRead: number;
  /** What had been written when that was seen to change last, and when it was. */
  bytesWritten: number;
  writtenAt: number;
  /** What serves it, as long as node:http does not. */
  plain: PlainConnection | undefined;
}

export class Connections {
  /** Whatever they speak. */
  readonly #connections = new Set<Socket>();
  /** Those that speak HTTP/1.1, in a TLS socket perhaps, and those of which the protocol is not known yet. */
  readonly #sockets = new Map<Socket, Http1State>();
  readonly #sessions = new Set<SharedSession>();
  readonly #sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  #isDraining = false;

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** A connection as it was accepted. */
  add(connection: Socket): void {
    this.#connections.add(connection);
    connection.once("close", () => this.#connections.delete(connection));
    this.addSocket(connection);
  }

  addSocket(socket: Socket): void {
    const { bytesRead, bytesWritten } = socket;
    const now = Date.now();
    this.#sockets.set(socket, {
      unanswered: new Set(),
      idleSince: now,
      bytesRead,
      bytesWritten,
      writtenAt: now,
      plain: undefined,
    });
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** A connection is served by `plain`; when that is undefined, by node:http from now on. */
  setPlain(socket: Socket, plain: PlainConnection | undefined): void {
    const state = this.#sockets.get(socket);
    if (state) state.plain = plain;
  }

  /** A connection speaks HTTP/2: what is under way on it, its session knows. */
  addSession(socket: Socket, session: SharedSession): void {
    this.#sockets.delete(socket);
    this.#sessions.add(session);
    socket.once("close", () => this.#sessions.delete(session));
    // What this client opened its connection for is still to come.
    if (this.#isDraining) setTimeout(() => session.leave(), IDLE_GRACE_MS);
  }

  /** False for a request behind the last one that its connection answers: it is not to be carried out. */
  addRequest(req: Request, res: Response): boolean {
    if (!(res instanceof ServerResponse)) return true;
    const { socket } = req;
    const state = this.#sockets.get(socket);
    if (!state) return true;
    const { unanswered } = state;
    if (socket.writableEnded) return false;
    for (const earlier of unanswered) if (earlier.headersSent && saysClose(earlier)) return false;
    unanswered.add(res);
    if (this.#isDraining) askToClose(unanswered);
    res.once("close", () => {
      unanswered.delete(res);
      state.idleSince = Date.now();
      state.bytesRead = socket.bytesRead;
    });
    return true;
  }

  /** The answers of a connection of node:http's that are not out, in their order. */
  unansweredOf(socket: Socket): readonly ServerResponse[] {
    return [...(this.#sockets.get(socket)?.unanswered ?? [])];
  }

  /** From now on, answers over HTTP/1.1 tell their clients to send no more. */
  startDrain(): void {
    this.#isDraining = true;
    const now = Date.now();
    for (const [{ bytesRead }, state] of this.#sockets) {
      state.idleSince = now;
      if (state.plain?.isIdle) state.bytesRead = bytesRead;
      askToClose(state.unanswered);
    }
  }

  /** Ends all connections. Resolves to the number of those that had to be cut when `deadlineMs` had passed. */
  async endDrain(deadlineMs: number): Promise<number> {
    const deadline = Date.now() + deadlineMs;
    for (const session of this.#sessions) session.leave();
    const graceMs = Math.min(IDLE_GRACE_MS, deadlineMs / 2);
    while (this.#connections.size > 0 && Date.now() < deadline) {
      await pause(CHECK_MS);
      // Between timers and this, all that has come meanwhile is read: what was busy is not seen as idle.
      await nextTurn();
      this.#closeIdle(Date.now() - graceMs);
    }
    clearInterval(this.#sweeping);
    const left = this.#connections.size;
    for (const connection of this.#connections) connection.destroy();
    return left;
  }

  /** One timer for all, as to start one anew with each request costs more than all else that keeps time. */
  #sweep(): void {
    const now = Date.now();
    for (const [socket, state] of this.#sockets) {
      if (state.plain) state.plain.sweep(now);
      else if (!isDeaf(socket) || socket.bytesWritten !== state.bytesWritten) {
        state.bytesWritten = socket.bytesWritten;
        state.writtenAt = now;
      } else if (now - state.writtenAt >= STUCK_MS) socket.destroy();
    }
  }

  /** Not end(): a client that does not look at its idle connections would leave this one half open. */
  #closeIdle(since: number): void {
    for (const [socket, { unanswered, idleSince, bytesRead }] of this.#sockets) {
      if (unanswered.size === 0 && idleSince <= since && socket.bytesRead === bytesRead) socket.destroySoon();
    }
  }
}

/** Whether a connection cannot tell any more that its client is gone: when node:http does not read, as answers wait behind one that
 *  does not end; or when both sides have ended, of which the last bytes do not go out. A reset may leave a TLS socket so. */
function isDeaf(socket: Socket): boolean {
  return socket.isPaused() || (socket.readableEnded && socket.writableEnded);
}

/** Only the last answer may say it: of pipelined requests, those behind it get none. It may be on its way already. */
function askToClose(unanswered: ReadonlySet<ServerResponse>): void {
  const earlier = [...unanswered];
  const last = earlier.pop();
  for (const res of earlier) if (!res.headersSent) res.removeHeader("Connection");
  if (last && !last.headersSent) last.setHeader("Connection", "close");
}

function saysClose(res: ServerResponse): boolean {
  return res.getHeader("Connection") === "close";
}
