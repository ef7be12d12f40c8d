// grpc.health.v1.Health: one status for the server ("") and for each of its services, asked for or watched.
//
// Invariant: a watcher subscribes in the same turn in which it reads the current status, and changes wait for it in a
// queue. So it gets every change, in order, however slowly it reads.

import { EventEmitter, on } from "node:events";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../gen/ts/health/v1/health_pb.ts";

/** The name that asks for the health of the server as a whole. */
const WHOLE_SERVER = "";
const CHANGE = "change";
const SHUTDOWN = "shutdown";
/** The largest message of a request, in bytes. */
const SMALL_MESSAGE = { readMaxBytes: 64 * 1024 };

export class HealthService {
  readonly #services: ReadonlySet<string>;
  readonly #events = new EventEmitter();
  #status: ServingStatus = ServingStatus.NOT_SERVING;
  #isShutDown = false;

  /** Knows `services` by their full names. They do not serve before `set(true)`. */
  constructor(services: readonly string[]) {
    this.#services = new Set([WHOLE_SERVER, ...services]);
    this.#events.setMaxListeners(0);
  }

  /** Tells whether the server takes requests. Says nothing any more after `shutdown()`. */
  set(serving: boolean): void {
    const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    if (this.#isShutDown || status === this.#status) return;
    this.#status = status;
    this.#events.emit(CHANGE, status);
  }

  /**
   * Does not serve any more, for good. The streams of the watchers end once they have been told: it is to be called
   * before the signals of the handlers abort, because a watcher that is aborted hears no more.
   */
  shutdown(): void {
    this.set(false);
    this.#isShutDown = true;
    this.#events.emit(SHUTDOWN);
  }

  register(router: ConnectRouter): void {
    router.service(
      Health,
      {
        check: ({ service }) => {
          if (this.#services.has(service)) return { status: this.#status };
          throw new ConnectError(`unknown service ${JSON.stringify(service)}`, Code.NotFound);
        },
        list: () => ({
          statuses: Object.fromEntries(
            Array.from(this.#services, (name) => [name, { status: this.#status }]),
          ),
        }),
        watch: ({ service }, { signal }) => this.#watch(service, signal),
      },
      SMALL_MESSAGE,
    );
  }

  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<{ status: ServingStatus }> {
    const isKnown = this.#services.has(service);
    const current = { status: isKnown ? this.#status : ServingStatus.SERVICE_UNKNOWN };
    if (this.#isShutDown || signal.aborted) {
      yield current;
      return;
    }
    const changes: AsyncIterableIterator<ServingStatus[]> = on(this.#events, CHANGE, {
      signal,
      close: [SHUTDOWN],
    });
    try {
      yield current;
      for await (const statuses of changes) {
        // The services are the same for good: one that is unknown stays so.
        if (isKnown) for (const status of statuses) yield { status };
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await changes.return?.();
    }
  }
}
