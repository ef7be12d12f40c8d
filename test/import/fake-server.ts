// A server that speaks the contract, keeps what it gets in memory, and fails on request.

import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import {
  AnalyticsService,
  type IngestEventRequest,
  ServiceState,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";

/**
 * What happens to a stream. `early`: the server answers for a part and ends, as it does when it drains. `drop`: the
 * connection breaks when all is stored and before the answer. `replaced`: it is unavailable, and then has another
 * log. `cut`: it is unavailable, and then has nothing of its log. A number: it fails with that code.
 */
type Fault = "early" | "drop" | "replaced" | "cut" | Code;

const LOG_ID = "11111111-1111-4111-8111-111111111111";
export const OTHER_LOG_ID = "22222222-2222-4222-8222-222222222222";

export interface FakeServer {
  readonly url: string;
  /** The stored events by id: a second one with the same id is dropped, as the real server's dedupe does. */
  readonly stored: Map<string, IngestEventRequest>;
  /** How many events came in each stream. */
  readonly streams: number[];
  /** What happens to the next streams, one by one; the others go well. */
  readonly faults: Fault[];
  logId: string;
  /** Grows with each event that is accepted. */
  logEnd: number;
  state: ServiceState;
  /** Events with this path are rejected. */
  rejectedPath: string;
  rejectionReason: string;
  close(): Promise<void>;
}

export async function startFakeServer(): Promise<FakeServer> {
  const sessions = new Set<ServerHttp2Session>();
  const stored = new Map<string, IngestEventRequest>();
  const streams: number[] = [];
  const faults: Fault[] = [];

  const routes = (router: ConnectRouter) =>
    router.service(AnalyticsService, {
      getStatus: () => ({ logId: fake.logId, logEnd: BigInt(fake.logEnd), state: fake.state }),
      async ingestEventStream(messages) {
        const fault = faults.shift();
        if (typeof fault === "number") throw new ConnectError("as the test asked for", fault);
        if (fault === "replaced" || fault === "cut") {
          if (fault === "replaced") fake.logId = OTHER_LOG_ID;
          else fake.logEnd = 0;
          throw new ConnectError("as the test asked for", Code.Unavailable);
        }
        let accepted = 0;
        const rejected: { index: bigint; reason: string }[] = [];
        let index = 0;
        for await (const { events } of messages) {
          for (const event of fault === "early" ? events.slice(0, events.length / 2) : events) {
            if (event.path === fake.rejectedPath) {
              rejected.push({ index: BigInt(index), reason: fake.rejectionReason });
            } else {
              accepted++;
              fake.logEnd++;
              if (!stored.has(event.eventId)) stored.set(event.eventId, event);
            }
            index++;
          }
          if (fault === "early") break;
        }
        streams.push(index);
        if (fault === "drop") for (const session of sessions) session.destroy();
        return {
          acceptedCount: BigInt(accepted),
          rejectedCount: BigInt(rejected.length),
          rejected: rejected.slice(0, 100),
        };
      },
    });

  const server = createServer(connectNodeAdapter({ routes }));
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeServer = {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    stored,
    streams,
    faults,
    logId: LOG_ID,
    logEnd: 0,
    state: ServiceState.HEALTHY,
    rejectedPath: "",
    rejectionReason: "path is not wanted",
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("Not listening on a port");
  return address.port;
}
