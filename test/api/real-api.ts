// The pieces of the api process over a port, put together as src/api/process.ts does, in the test's own process and
// over log files that the test chooses.

import { pino } from "pino";
import { onTestFinished } from "vitest";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { HealthService } from "../../src/api/grpc-health.ts";
import { createHandlers } from "../../src/api/handlers.ts";
import { openPort } from "../../src/api/port.ts";
import { STOPPING, StatusService } from "../../src/api/status-service.ts";
import { BUFFER_LIMITS, type BufferLimits } from "../../src/ingest/buffer.ts";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import { LogHost } from "../../src/ingest/log-host.ts";
import type { LogPosition } from "../../src/log/event-log.ts";
import type { LogFiles } from "../../src/log/files.ts";
import { temporaryDirectory } from "../temporary.ts";
import { fakes } from "./fakes.ts";

export interface RealApiOptions {
  readonly files: LogFiles;
  readonly limits?: BufferLimits;
  readonly degradedLagMs?: number;
  readonly projectorProblem?: () => string | undefined;
  readonly checkpoint?: () => LogPosition | undefined;
}

/** Opens the log and the port; both are closed when the test has finished. The read model is a fake. */
export async function openRealApi(options: RealApiOptions) {
  const {
    files,
    limits = BUFFER_LIMITS,
    degradedLagMs = 10_000,
    projectorProblem = () => undefined,
    checkpoint = () => undefined,
  } = options;
  const logger = pino({ level: "silent" });
  const draining = new AbortController();
  const drain = draining.signal;
  const health = new HealthService([AnalyticsService.typeName]);
  const ingestor = new Ingestor(Date.now, (isOpen) => health.set(isOpen), limits);
  const host = new LogHost(files, ingestor, logger, (error) => void ingestor.refuse(error.message));
  await host.start(temporaryDirectory());
  const status = new StatusService({
    ...{ files, ingestor, projectorProblem, degradedLagMs, drain, logger },
    log: () => host.log,
    checkpoint,
    now: Date.now,
  });
  const { reports, queries, origins } = fakes();
  const port = await openPort({
    ...{ host: "127.0.0.1", port: 0, logger },
    ...createHandlers({
      ...{ ingest: ingestor, reports, queries, status, origins, drain, logger },
      register: (router) => health.register(router),
    }),
  });
  /** What the process does when it is told to stop. */
  const stop = async () => {
    draining.abort();
    health.shutdown();
    await port.drain(3000);
    await host.close(STOPPING);
  };
  let stopped: Promise<void> | undefined;
  const stopOnce = () => {
    stopped ??= stop();
    return stopped;
  };
  onTestFinished(() => stopOnce().catch(() => undefined));
  return { url: port.url, port: port.port, ingestor, stop: stopOnce };
}

/** How the server at `url` says that it is, by REST, by GetStatus and by grpc.health.v1. */
export async function healthOf(url: string) {
  const rpc = async (path: string): Promise<Record<string, unknown>> => {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${url}/${path}`, { method: "POST", headers, body: "{}" });
    return (await response.json()) as Record<string, unknown>;
  };
  const rest = await fetch(`${url}/health`);
  const body = (await rest.json()) as Record<string, unknown>;
  const { state, reason = "" } = await rpc("analytics.v1.AnalyticsService/GetStatus");
  const { status: grpc } = await rpc("grpc.health.v1.Health/Check");
  return {
    rest: { code: rest.status, status: body.status, reason: body.reason ?? "" },
    rpc: { state, reason },
    grpc,
  };
}

/** What healthOf gives for a state with its reason. */
export function says(state: "healthy" | "degraded" | "unavailable", reason: unknown = "") {
  const isDown = state === "unavailable";
  return {
    rest: { code: isDown ? 503 : 200, status: state, reason },
    rpc: { state: `SERVICE_STATE_${state.toUpperCase()}`, reason },
    grpc: isDown ? "NOT_SERVING" : "SERVING",
  };
}
