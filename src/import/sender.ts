// Brings blocks into a running server, through its failures and restarts.
//
// A block is one IngestEventStream. If its answer is lost or says less than was sent, the whole block is sent again:
// its events have the same ids as before, so those that the server stored already count once.

import { create } from "@bufbuild/protobuf";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import {
  AnalyticsService,
  type IngestEventStreamRequest,
  IngestEventStreamRequestSchema,
  type IngestEventStreamResponse,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { BlockEvent, LineProblem } from "./block.ts";
import { ImportError, systemCode } from "./import-error.ts";
import { retrying, TransientError } from "./retry.ts";

/** Some 100 KB: large enough that a message costs little, small enough that server and client work at once. */
const MESSAGE_EVENTS = 500;

/** So that a server that hangs cannot hang the import. A block takes a fraction of a second. */
const STREAM_DEADLINE_MS = 60_000;
const STATUS_DEADLINE_MS = 10_000;

/** What sending again cannot mend. */
const PERMANENT: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.PermissionDenied,
  Code.Unauthenticated,
  Code.Unimplemented,
  Code.FailedPrecondition,
  Code.OutOfRange,
]);

/** OpenSSL's and Node's codes of a certificate that is not trusted. */
const CERTIFICATE_ERROR = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

/** What became of a block's events. */
export interface SendResult {
  readonly accepted: number;
  readonly rejectedCount: number;
  /** The rejected ones that the server named. */
  readonly rejected: readonly LineProblem[];
}

/** Of a block without events. */
export const NOTHING_SENT: SendResult = { accepted: 0, rejectedCount: 0, rejected: [] };

export interface SenderOptions {
  readonly url: string;
  readonly signal: AbortSignal;
  /** Hears when the server is waited for, and when it is back. */
  readonly log: (text: string) => void;
  /** For how long to try again without progress. */
  readonly giveUpAfterMs: number;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #session: Http2SessionManager;
  readonly #client: Client<typeof AnalyticsService>;

  /** Throws an ImportError if `options.url` is no URL of a server. Connects at the first call. */
  constructor(options: SenderOptions) {
    const url = checkedUrl(options.url);
    this.#options = options;
    this.#session = new Http2SessionManager(url.origin);
    this.#client = createClient(
      AnalyticsService,
      createGrpcTransport({ baseUrl: url.href, sessionManager: this.#session }),
    );
  }

  /** The id of the server's log. Throws an ImportError when the server refuses or stays away. */
  async logId(): Promise<string> {
    return await retrying(() => this.#logId(), this.#options);
  }

  /**
   * Sends `events`, at least one, until the server has handled all of them. `logId` is where they belong: if the
   * server comes back with another log, that is an ImportError, as it lacks what was sent before.
   */
  async send(events: readonly BlockEvent[], logId: string): Promise<SendResult> {
    const response = await retrying(async (again) => {
      if (again && (await this.#logId()) !== logId) {
        const message = `${this.#options.url} has another log now; running the same command again imports into that`;
        throw new ImportError("server", message);
      }
      const answer = await this.#call(
        this.#client.ingestEventStream(messages(events), {
          signal: this.#options.signal,
          timeoutMs: STREAM_DEADLINE_MS,
        }),
      );
      if (answer.acceptedCount + answer.rejectedCount < BigInt(events.length)) {
        throw new TransientError(`${this.#options.url} stopped before the end of the stream`);
      }
      return answer;
    }, this.#options);
    return resultOf(response, events);
  }

  /** Closes the connection. */
  close(): void {
    this.#session.abort();
  }

  async #logId(): Promise<string> {
    const status = await this.#call(
      this.#client.getStatus({}, { signal: this.#options.signal, timeoutMs: STATUS_DEADLINE_MS }),
    );
    if (status.logId === "")
      throw new TransientError(`${this.#options.url} has not opened its log: ${status.reason}`);
    return status.logId;
  }

  async #call<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw callError(this.#options.url, error);
    }
  }
}

function checkedUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new ImportError("options", `Not a URL of a server: ${text} (for instance http://127.0.0.1:5000)`);
  }
  return url;
}

async function* messages(events: readonly BlockEvent[]): AsyncGenerator<IngestEventStreamRequest> {
  for (let from = 0; from < events.length; from += MESSAGE_EVENTS) {
    const part = events.slice(from, from + MESSAGE_EVENTS).map(({ event }) => event);
    yield create(IngestEventStreamRequestSchema, { events: part });
  }
}

function resultOf(response: IngestEventStreamResponse, events: readonly BlockEvent[]): SendResult {
  return {
    accepted: Number(response.acceptedCount),
    rejectedCount: Number(response.rejectedCount),
    rejected: response.rejected.flatMap(({ index, reason }) => {
      const line = events[Number(index)]?.line;
      return line === undefined ? [] : [{ line, reason }];
    }),
  };
}

/** What a failed call means for the import. */
function callError(url: string, error: unknown): Error {
  const { code, rawMessage } = ConnectError.from(error);
  if (PERMANENT.has(code)) {
    const hint = code === Code.Unimplemented ? "; is it a Footfall server?" : "";
    return new ImportError("server", `${url} refuses: ${rawMessage}${hint}`, { cause: error });
  }
  const system = systemCodeIn(error);
  if (system !== undefined && CERTIFICATE_ERROR.test(system)) {
    return new ImportError("server", `${url} has a certificate that is not trusted: ${rawMessage}`, {
      cause: error,
    });
  }
  return new TransientError(`${url} does not answer: ${rawMessage}`, { cause: error });
}

function systemCodeIn(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = systemCode(cause);
    if (code !== undefined) return code;
  }
  return undefined;
}
