// Every way into the server: each sends events once, and tells how many of them, from the first on, were acknowledged.

import http from "node:http";
import { type Client, createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { Sessions } from "../../src/import/sessions.ts";
import { pause } from "../../src/pause.ts";
import type { SentEvent } from "./ledger.ts";
import type { Random } from "./random.ts";

/** A request that has no answer after this hangs, in ms. */
const DEADLINE_MS = 15_000;
/** Between the messages of a stream, in ms, so that crashes find it half-sent. */
const MESSAGE_PAUSE_MS = 8;
const STREAM_MESSAGES = 5;

export interface Way {
  readonly name: string;
  readonly senders: number;
  /** Between two sends of a sender, in ms: from none to this. */
  readonly pauseMs: number;
  /** How many events the next send has. */
  readonly size: (random: Random) => number;
  /** Long paths make large frames, which a kill may cut short. */
  readonly isBulky?: true;
  /** Rejects when nothing is known to be stored. */
  readonly send: (events: readonly SentEvent[], signal: AbortSignal) => Promise<number>;
}

export interface Ways {
  readonly all: readonly Way[];
  close(): void;
}

export function openWays(baseUrl: string): Ways {
  const agent = new http.Agent({ keepAlive: true });
  const sessionManager = new Sessions(baseUrl);
  const http1 = { baseUrl, httpVersion: "1.1", nodeOptions: { agent } } as const;
  const json = createClient(AnalyticsService, createConnectTransport({ ...http1, useBinaryFormat: false }));
  const proto = createClient(AnalyticsService, createConnectTransport(http1));
  const grpc = createClient(AnalyticsService, createGrpcTransport({ baseUrl, sessionManager }));
  const grpcWeb = createClient(AnalyticsService, createGrpcWebTransport(http1));
  const single = { senders: 2, pauseMs: 16, size: () => 1 };
  const many = { senders: 1, pauseMs: 120, size: (random: Random) => random.int(5, 30) };
  const bulky = {
    senders: 1,
    pauseMs: 240,
    size: (random: Random) => random.int(5, 40),
    isBulky: true,
  } as const;
  return {
    all: [
      { name: "rest", ...single, send: (events, signal) => postEvent(baseUrl, events, signal) },
      { name: "connect-json", ...single, send: unary(json) },
      { name: "connect-proto", ...single, send: unary(proto) },
      { name: "grpc", ...single, send: unary(grpc) },
      { name: "grpc-web", ...single, send: unary(grpcWeb) },
      { name: "batch", ...many, send: batch(proto) },
      { name: "bulk", ...bulky, send: batch(grpc) },
      { name: "stream", ...many, send: stream(grpc) },
    ],
    close: () => {
      agent.destroy();
      sessionManager.abort();
    },
  };
}

type Analytics = Client<typeof AnalyticsService>;

function unary(client: Analytics): Way["send"] {
  return async ([event], signal) => {
    if (!event) return 0;
    await client.ingestEvent(messageOf(event), options(signal));
    return 1;
  };
}

function batch(client: Analytics): Way["send"] {
  return async (events, signal) => {
    const answer = await client.ingestEvents({ events: events.map(messageOf) }, options(signal));
    return accepted(answer.acceptedCount, answer.rejected.length);
  };
}

function stream(client: Analytics): Way["send"] {
  return async (events, signal) => {
    const size = Math.ceil(events.length / STREAM_MESSAGES);
    async function* messages() {
      for (let at = 0; at < events.length; at += size) {
        yield { events: events.slice(at, at + size).map(messageOf) };
        await pause(MESSAGE_PAUSE_MS, signal);
      }
    }
    const answer = await client.ingestEventStream(messages(), options(signal));
    return accepted(answer.acceptedCount, Number(answer.rejectedCount));
  };
}

function accepted(count: bigint, rejected: number): number {
  if (rejected > 0) throw new Refused(`${rejected} good events were rejected`);
  return Number(count);
}

/** The server refused what is right, and would refuse it again. */
export class Refused extends Error {}

function options(signal: AbortSignal): { signal: AbortSignal; timeoutMs: number } {
  return { signal, timeoutMs: DEADLINE_MS };
}

function messageOf(event: SentEvent) {
  const { siteId, eventType, path, userId, eventId, timestamp } = event;
  return { siteId, eventType, path, userId, eventId, ...(timestamp !== "" && { timestamp }) };
}

async function postEvent(url: string, [event]: readonly SentEvent[], signal: AbortSignal): Promise<number> {
  if (!event) return 0;
  const body = {
    ...{ site_id: event.siteId, event_type: event.eventType, path: event.path, user_id: event.userId },
    ...{ timestamp: event.timestamp, event_id: event.eventId },
  };
  const response = await fetch(`${url}/event`, {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
  });
  const text = await response.text();
  if (response.status === 400) throw new Refused(text);
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return 1;
}
