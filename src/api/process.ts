// The api process: its composition root.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { Health } from "../../gen/ts/health/v1/health_pb.ts";
import type { ServeConfig } from "../config.ts";
import { Ingestor } from "../ingest/ingestor.ts";
import { LogHost } from "../ingest/log-host.ts";
import { nodeLogFiles } from "../log/files.ts";
import { pause } from "../pause.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { runChild } from "../supervisor/child.ts";
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
