// A client of HTTP/2 that sends the frames that a test makes, and reads all that it gets: it keeps to the protocol or
// does not.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { HpackDecoder } from "../../src/http2/hpack.ts";
import { HTTP2_PREFACE } from "../http2/bytes.ts";
import { Flag, ping, settings, Type, windowUpdate } from "../http2/client-frames.ts";

/** What has come on a stream. */
export interface Answer {
  readonly headers: Record<string, string>;
  readonly trailers: Record<string, string>;
  /** A character for each byte. */
  body: string;
  isEnded: boolean;
  /** The code that the server has reset it with. */
  reset: number | undefined;
}

export interface RawSessionOptions {
  readonly settings?: readonly (readonly [id: number, value: number])[];
  /** Gives back for the windows what comes; else only the test does. */
  readonly givesWindow?: boolean;
  /** Is sent together with the preface. */
  readonly first?: readonly Buffer[];
  /** Answers pings. */
  readonly answersPings?: boolean;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly onMet: () => void;
  readonly onClosed: () => void;
}

/** For how long something is waited for, in ms. */
const PATIENCE_MS = 10_000;
const FRAME_HEAD_BYTES = 9;

export class RawSession {
  readonly socket: Socket;
  readonly #options: RawSessionOptions;
  readonly answers = new Map<number, Answer>();
  /** The types of all frames that have come, in their order. */
  readonly types: number[] = [];
  readonly goaways: { readonly lastId: number; readonly code: number }[] = [];
  readonly pings: Buffer[] = [];
  /** After how many frames the settings of the client were acknowledged. */
  readonly acks: number[] = [];
  /** The payloads of answers to pings. */
  readonly pongs: string[] = [];
  /** How much the server has given for the window of the session, in bytes. */
  growth = 0;
  /** Of all DATA, in bytes. */
  dataBytes = 0;
  /** The server has closed its side, or reset the connection. */
  isClosed = false;

  readonly #decoder = new HpackDecoder(1_000_000);
  #bytes: Buffer = Buffer.alloc(0);
  #block: Buffer[] = [];
  #blockFlags = 0;
  #waiters: Waiter[] = [];

  private constructor(socket: Socket, options: RawSessionOptions) {
    this.socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#read(chunk);
      this.#look();
    });
    const onClosed = () => {
      this.isClosed = true;
      this.#look();
    };
    socket.once("end", onClosed);
    socket.once("close", onClosed);
    onTestFinished(() => {
      socket.destroy();
    });
  }

  /** Connects and sends the preface; resolves when the settings of the server have come. */
  static async open(port: number, options: RawSessionOptions = {}): Promise<RawSession> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    await once(socket, "connect");
    const session = new RawSession(socket, { answersPings: true, givesWindow: true, ...options });
    session.send(Buffer.from(HTTP2_PREFACE), settings(...(options.settings ?? [])), ...(options.first ?? []));
    await session.until(() => session.types.includes(Type.settings));
    return session;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** What has come on a stream; it is empty at first. */
  answer(streamId: number): Answer {
    const known = this.answers.get(streamId);
    if (known) return known;
    const answer = { headers: {}, trailers: {}, body: "", isEnded: false, reset: undefined };
    this.answers.set(streamId, answer);
    return answer;
  }

  status(streamId: number): string | undefined {
    return this.answers.get(streamId)?.headers[":status"];
  }

  /** Waits for the whole answers on these streams, or their resets. */
  async answered(...streamIds: readonly number[]): Promise<void> {
    await this.until(() =>
      streamIds.every((id) => {
        const answer = this.answers.get(id);
        return answer?.isEnded || answer?.reset !== undefined;
      }),
    );
  }

  /** Resolves when the server has read all that was sent, as it answers a ping behind it. */
  async caughtUp(): Promise<void> {
    const count = this.pongs.length;
    this.send(ping("\0\0\0\0\0\0\0\0"));
    await this.until(() => this.pongs.length > count);
  }

  async closed(): Promise<void> {
    await this.until(() => this.isClosed);
  }

  /** Waits until it is so, which is looked at whenever something has come; in vain when the server has closed. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        const open = [...this.answers].filter(([, { isEnded, reset }]) => !isEnded && reset === undefined);
        const { goaways, isClosed, dataBytes } = this;
        const state = { goaways, isClosed, dataBytes, open: open.map(([id, { body }]) => [id, body.length]) };
        reject(new Error(`in vain: ${isMet}; ${JSON.stringify(state)}`));
      };
      const timer = setTimeout(giveUp, PATIENCE_MS);
      const onMet = () => {
        clearTimeout(timer);
        resolve();
      };
      const onClosed = () => {
        clearTimeout(timer);
        giveUp();
      };
      if (this.isClosed) onClosed();
      else this.#waiters.push({ isMet, onMet, onClosed });
    });
  }

  #look(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.isMet()) waiter.onMet();
      else if (this.isClosed) waiter.onClosed();
      else this.#waiters.push(waiter);
    }
  }

  #read(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + this.#bytes.readUIntBE(0, 3);
      if (this.#bytes.length < end) return;
      const [type = 0, flags = 0] = this.#bytes.subarray(3);
      this.types.push(type);
      this.#onFrame(type, flags, this.#bytes.readUInt32BE(5), this.#bytes.subarray(FRAME_HEAD_BYTES, end));
      this.#bytes = this.#bytes.subarray(end);
    }
  }

  #onFrame(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === Type.data) this.#onData(flags, streamId, payload);
    else if (type === Type.headers || type === Type.continuation)
      this.#onHeaders(type, flags, streamId, payload);
    else if (type === Type.rstStream) this.answer(streamId).reset = payload.readUInt32BE(0);
    else if (type === Type.goaway)
      this.goaways.push({ lastId: payload.readUInt32BE(0), code: payload.readUInt32BE(4) });
    else if (type === Type.windowUpdate && streamId === 0) this.growth += payload.readUInt32BE(0);
    else if (type === Type.settings && (flags & Flag.ack) !== 0) this.acks.push(this.types.length);
    else if (type === Type.settings) this.#acknowledge();
    else if (type === Type.ping) this.#onPing(flags, payload);
  }

  #acknowledge(): void {
    const ack = settings();
    ack[4] = Flag.ack;
    this.send(ack);
  }

  #onPing(flags: number, payload: Buffer): void {
    if ((flags & Flag.ack) !== 0) {
      this.pongs.push(payload.toString("latin1"));
      return;
    }
    this.pings.push(payload);
    if (this.#options.answersPings) this.send(ping(payload, true));
  }

  #onData(flags: number, streamId: number, payload: Buffer): void {
    const answer = this.answer(streamId);
    answer.body += payload.toString("latin1");
    this.dataBytes += payload.length;
    if ((flags & Flag.endStream) !== 0) answer.isEnded = true;
    if (!this.#options.givesWindow || payload.length === 0) return;
    this.send(windowUpdate(0, payload.length));
    if (!answer.isEnded) this.send(windowUpdate(streamId, payload.length));
  }

  #onHeaders(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === Type.headers) this.#blockFlags = flags;
    this.#block.push(payload);
    if ((flags & Flag.endHeaders) === 0) return;
    const fields = this.#decoder.decode(Buffer.concat(this.#block));
    this.#block = [];
    const answer = this.answer(streamId);
    const { ":status": status } = answer.headers;
    const those = status === undefined || status.startsWith("1") ? answer.headers : answer.trailers;
    for (const { name, value } of fields ?? []) those[name] = value;
    if ((this.#blockFlags & Flag.endStream) !== 0) answer.isEnded = true;
  }
}
