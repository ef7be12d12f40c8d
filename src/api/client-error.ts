// What is answered when node:http cannot read on: bytes that are no request, a head that is too long, or too slow. By itself it answers
// at once, in the place of an answer that is still on its way: the request before would be stored, and told that it was wrong.

import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** As node:http has them; all else is 400. */
const STATUSES: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

export class ClientErrors {
  readonly #unansweredOf: (socket: Socket) => readonly ServerResponse[];
  readonly #waiting = new WeakSet<Socket>();

  /** `unansweredOf` gives the answers of a connection that are not out, in their order. */
  constructor(unansweredOf: (socket: Socket) => readonly ServerResponse[]) {
    this.#unansweredOf = unansweredOf;
  }

  /** Ends a connection, behind the answers to the requests that have come whole. When it is told of one again, it does so at once. */
  readonly handle = ({ code = "" }: NodeJS.ErrnoException, socket: Socket): void => {
    // A connection that is lost, or a handshake of TLS that did not come about.
    if (!/^(HPE|ERR_HTTP)_/.test(code)) {
      socket.destroy();
      return;
    }
    const refuse = () => {
      const hasBegun = this.#unansweredOf(socket).some(({ headersSent }) => headersSent);
      if (socket.writable && !hasBegun) socket.write(refusal(STATUSES[code] ?? 400));
      socket.destroySoon();
    };
    const last = this.#unansweredOf(socket)
      .filter(({ req }) => req.complete)
      .at(-1);
    if (!last || this.#waiting.has(socket)) {
      refuse();
      return;
    }
    this.#waiting.add(socket);
    socket.pause();
    last.once("close", refuse);
  };
}

function refusal(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`;
}
