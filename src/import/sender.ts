// Brings blocks into a running server, through its failures and restarts.
//
// A block is one IngestEventStream. If its answer is lost or says less than was sent, the whole block is sent again:
// its events have the same ids as before, so those that the server stored already count once.

import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import {
  AnalyticsService,
  type IngestEventStreamResponse,
  ServiceState,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { BlockEvent, LineProblem } from "./block.ts";
import { ImportError, systemCode } from "./import-error.ts";
import type { LogEnd } from "./import-state.ts";
import { messages } from "./messages.ts";
import { retrying, TransientError } from "./retry.ts";
import { serverUrl } from "./server-url.ts";
import { Sessions } from "./sessions.ts";

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

/**
 * The reason of an event that is rejected as this machine is another one to the server, for instance as that runs in a
 * container: nothing else can be wrong with these fields.
 */
const NOT_BELIEVED = /^(?:user_agent|client_address) /;

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
  readonly #session: Sessions;
  readonly #client: Client<typeof AnalyticsService>;

  /** Throws an ImportError if `options.url` is no URL of a server. Connects at the first call. */
  constructor(options: SenderOptions) {
    const url = serverUrl(options.url);
    this.#options = options;
    this.#session = new Sessions(url.origin);
    this.#client = createClient(
      AnalyticsService,
      createGrpcTransport({ baseUrl: url.href, sessionManager: this.#session }),
    );
  }

  /**
   * Where the server's log ends, which is not before `known`, where it ended a moment ago: if it does, or is another log, that
   * is an ImportError, as it lacks what was sent before. So it is when the server refuses or stays away.
   */
  async logEnd(known?: LogEnd): Promise<LogEnd> {
    return await retrying(() => this.#logEnd(known), this.#options);
  }

  /**
   * Sends `events`, at least one, until the server has handled all of them. `known` is where its log ended a moment ago, as for
   * `logEnd`. Throws an ImportError also if the server does not believe what is said of visitors, as then it rejects nearly
   * all of them.
   */
  async send(events: readonly BlockEvent[], known: LogEnd): Promise<SendResult> {
    const response = await retrying(async (again) => {
      if (again) await this.#logEnd(known);
      const answer = await this.#call(
        this.#client.ingestEventStream(messages(events.map(({ event }) => event)), {
          signal: this.#options.signal,
          timeoutMs: STREAM_DEADLINE_MS,
        }),
      );
      if (answer.acceptedCount + answer.rejectedCount < BigInt(events.length)) {
        throw new TransientError(`${this.#options.url} stopped before the end of the stream`);
      }
      return answer;
    }, this.#options);
    const disbelief = response.rejected.find(({ reason }) => NOT_BELIEVED.test(reason));
    if (disbelief !== undefined) throw notBelieved(this.#options.url, disbelief.reason);
    return resultOf(response, events);
  }

  /** Closes the connection. */
  close(): void {
    this.#session.abort();
  }

  async #logEnd(known?: LogEnd): Promise<LogEnd> {
    const status = await this.#call(
      this.#client.getStatus({}, { signal: this.#options.signal, timeoutMs: STATUS_DEADLINE_MS }),
    );
    // Until a server has opened its log, it may say an older end than that has.
    if (status.logId === "" || status.state === ServiceState.UNAVAILABLE)
      throw new TransientError(`${this.#options.url} does not take events in: ${status.reason}`);
    const end = { logId: status.logId, offset: Number(status.logEnd) };
    if (known && (end.logId !== known.logId || end.offset < known.offset)) {
      const what = end.logId === known.logId ? "less of its log" : "another log";
      const message = `${this.#options.url} has ${what} now; running the same command again imports into that`;
      throw new ImportError("server", message);
    }
    return end;
  }

  async #call<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw callError(this.#options.url, error);
    }
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

function notBelieved(url: string, reason: string): ImportError {
  const message =
    `${url} does not take this machine for its own: ${reason}. Run the import where the server runs, or name it ` +
    "by its address in the network: then user agents and addresses are not sent";
  return new ImportError("server", message);
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
