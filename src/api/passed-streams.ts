// The streams of a session that node:http2 serves, which have numbers of their own there: it sees only some of the
// client's, and not in their order.

export interface PassedStream {
  readonly clientId: number;
  readonly nodeId: number;
  isEndedByClient: boolean;
  isEndedByNode: boolean;
}

/**
 * Of streams that the client has reset, as many are remembered: node:http2 may not have read of it yet, and still answer. When it
 * reads of more than 1,000 at once, and 33 more for each second, it ends the session (test/api/shared-session-attacks.test.ts).
 * So a header block of one that is forgotten can be missed only where the session ends in a moment.
 */
const MAX_RESET = 2000;

export class PassedStreams {
  readonly #byClient = new Map<number, PassedStream>();
  readonly #byNode = new Map<number, PassedStream>();
  /** Those that the client has reset, and node:http2 perhaps has not read of. */
  readonly #reset = new Set<PassedStream>();
  #nextNodeId = 1;

  ofClient(id: number): PassedStream | undefined {
    return this.#byClient.get(id);
  }

  ofNode(id: number): PassedStream | undefined {
    return this.#byNode.get(id);
  }

  open(clientId: number): PassedStream {
    const stream = { clientId, nodeId: this.#nextNodeId, isEndedByClient: false, isEndedByNode: false };
    this.#nextNodeId += 2;
    this.#byClient.set(clientId, stream);
    this.#byNode.set(stream.nodeId, stream);
    return stream;
  }

  /** Those that node:http2 has not read yet, whose last one was `nodeId`. */
  behind(nodeId: number): PassedStream[] {
    return [...this.#byNode.values()].filter((stream) => stream.nodeId > nodeId);
  }

  endByClient(stream: PassedStream): void {
    stream.isEndedByClient = true;
    if (stream.isEndedByNode) this.close(stream);
  }

  endByNode(stream: PassedStream): void {
    stream.isEndedByNode = true;
    if (stream.isEndedByClient) this.close(stream);
  }

  /**
   * The client sends no more. What node:http2 sends before it has read of it is still the client's: its header blocks
   * count for those behind them, and its data is of the window of the session.
   */
  resetByClient(stream: PassedStream): void {
    this.#byClient.delete(stream.clientId);
    this.#reset.add(stream);
    const [oldest] = this.#reset;
    if (oldest && this.#reset.size > MAX_RESET) this.close(oldest);
  }

  /** It is over: ended by both, or reset by node:http2. */
  close(stream: PassedStream): void {
    this.#byClient.delete(stream.clientId);
    this.#byNode.delete(stream.nodeId);
    this.#reset.delete(stream);
  }
}
