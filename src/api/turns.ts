// Questions of a connection, a few in a turn of the event loop, and hardly any while many of its answers are unread. A client may ask in
// one packet for hundreds of answers of megabytes each: all made in one turn, they would hold up everybody, and fill the memory.

import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Request, Response } from "./node-http.ts";
import { connectionOf } from "./session-peer.ts";

/** The largest answers take 20 ms each, to make and to write. */
const MOST_IN_TURN = 4;
/** While a connection has more answers than that which are not out, in bytes, it gets others only now and then: it may be one of many
 *  clients behind a proxy that does not read. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const NOW_AND_THEN_MS = 1000;
/** A client that has so many more questions does not read answers. Over HTTP/2 half as many streams may be open. */
const MAX_WAITING = 2000;

export class Turns {
  readonly #connections = new WeakMap<Socket, Connection>();

  /** Calls `answer` when it is the request's turn: at once, when no other of its connection is before it. */
  take(req: Request, res: Response, answer: () => void): void {
    const socket = res instanceof ServerResponse ? req.socket : connectionOf(res.stream?.session);
    if (!socket) {
      answer();
      return;
    }
    let connection = this.#connections.get(socket);
    if (!connection) {
      connection = new Connection(socket);
      this.#connections.set(socket, connection);
    }
    connection.take(res, answer);
  }
}

class Connection {
  readonly #socket: Socket;
  readonly #waiting: (() => void)[] = [];
  /** Those that were begun, and are not out. */
  readonly #answers = new Set<Response>();
  /** How many were begun in this turn. */
  #begun = 0;
  /** Until one is begun though answers are unread. */
  #patience: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("drain", () => this.#goOn());
    socket.once("close", () => clearTimeout(this.#patience));
  }

  take(res: Response, answer: () => void): void {
    res.once("close", () => {
      this.#answers.delete(res);
      this.#goOn();
    });
    this.#waiting.push(() => {
      if (isGone(res)) return;
      this.#answers.add(res);
      answer();
    });
    if (this.#waiting.length > MAX_WAITING) this.#socket.destroy();
    else this.#goOn();
  }

  #goOn(): void {
    while (this.#waiting.length > 0 && this.#begun < MOST_IN_TURN) {
      if (this.#unreadBytes() > MAX_UNREAD_BYTES) {
        this.#patience ??= setTimeout(() => this.#begin(), NOW_AND_THEN_MS).unref();
        return;
      }
      this.#begin();
    }
  }

  #begin(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#begun += 1;
    if (this.#begun === 1) setImmediate(() => this.#beginTurn());
    this.#waiting.shift()?.();
  }

  #beginTurn(): void {
    this.#begun = 0;
    this.#goOn();
  }

  #unreadBytes(): number {
    let bytes = this.#socket.writableLength;
    for (const { writableLength } of this.#answers) bytes += writableLength;
    return bytes;
  }
}

/** Whether its client is. */
function isGone(res: Response): boolean {
  return res instanceof ServerResponse ? res.destroyed : res.stream.destroyed;
}
