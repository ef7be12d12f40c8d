// A client of HTTP/1.1 that costs next to nothing: requests are bytes that were made before, one is on its way at a time,
// and of an answer it sees status and body. It understands answers with a Content-Length only.

import { connect, type Socket } from "node:net";

type OnAnswer = (status: number, body: string) => void;

const HEAD_END = Buffer.from("\r\n\r\n");

/** The bytes of a request. */
export function http1Request(method: string, url: URL, body?: Buffer): Buffer {
  const length = body ? `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n` : "";
  const head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${length}\r\n`;
  return Buffer.concat([Buffer.from(head), body ?? Buffer.alloc(0)]);
}

export class Http1Connection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #onAnswer: OnAnswer | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#onData(chunk));
  }

  /** A connection that fails, or ends before it is closed, ends the process by an error. */
  static open({ hostname, port }: URL): Promise<Http1Connection> {
    return new Promise((resolve) => {
      const socket = connect({ host: hostname, port: Number(port) }, () =>
        resolve(new Http1Connection(socket)),
      );
      socket.on("end", () => socket.destroy(new Error("the server closed a connection")));
    });
  }

  send(request: Buffer, onAnswer: OnAnswer): void {
    if (this.#onAnswer) throw new Error("a request is on its way");
    this.#onAnswer = onAnswer;
    this.#socket.write(request);
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.toString("latin1", 0, headEnd);
    const bodyStart = headEnd + HEAD_END.length;
    const bodyEnd = bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    if (Number.isNaN(bodyEnd)) throw new Error(`an answer has no Content-Length: ${head}`);
    if (this.#received.length < bodyEnd) return;
    const body = this.#received.toString("utf8", bodyStart, bodyEnd);
    this.#received = Buffer.alloc(0);
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    // "HTTP/1.1 200 OK"
    onAnswer?.(Number(head.slice(9, 12)), body);
  }
}
