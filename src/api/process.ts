// The api process: its composition root. It takes events in, answers statistics, or both, on one port.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ServerReflection } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/ts/health/v1/health_pb.ts";
import type { ServeConfig } from "../config.ts";
import { Ingestor } from "../ingest/ingestor.ts";
import { LogHost } from "../ingest/log-host.ts";
import { nodeLogFiles } from "../log/files.ts";
import { pause } from "../pause.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { type ChildContext, runChild } from "../supervisor/child.ts";
import { registerAnalyticsService } from "./analytics-service.ts";
import { createConnectHandler } from "./connect-adapter.ts";
import { HealthService } from "./grpc-health.ts";
import { openPort } from "./port.ts";
import { registerReflection } from "./reflection.ts";
import { createRestHandler, notFound } from "./rest.ts";
import { StatusService } from "./status-service.ts";

/** What requests under way are given when the process drains, in ms. */
const DRAIN_MS = 3000;
/** When the log has failed: time for the answers that say so, in ms. */
const FAILURE_EXIT_MS = 500;

runChild("api", serve);

async function serve({ config, logger, ready, drain }: ChildContext): Promise<void> {
  mkdirSync(config.data, { recursive: true });
  const files = await nodeLogFiles(join(config.data, "log"));
  const reports = new ReadModelReader(config.data);
  const health = new HealthService();
  const ingestor = new Ingestor();
  const failed = new AbortController();
  const host = new LogHost(files, ingestor, logger, (error) => {
    logger.fatal({ err: error }, "the event log failed: nothing more is acknowledged, the process ends");
    void ingestor.refuse(error.message);
    setTimeout(() => process.exit(1), FAILURE_EXIT_MS);
  });
}
