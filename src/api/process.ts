// The api process: its composition root. It takes events in, answers statistics, or both, on one port.

import { join } from "node:path";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ServerReflection } from "../../gen/ts/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ServerReflectionAlpha } from "../../gen/ts/grpc/reflection/v1alpha/reflection_pb.ts";
import { Health } from "../../gen/ts/health/v1/health_pb.ts";
import { Maintenance } from "../backup/maintenance.ts";
import { type ControlServer, INGEST_SOCKET, serveControl } from "../control/control.ts";
import { BUFFER_LIMITS } from "../ingest/buffer.ts";
import { Enricher } from "../ingest/enricher.ts";
import { Ingestor } from "../ingest/ingestor.ts";
import { LogHost } from "../ingest/log-host.ts";
import { VisitorKeys } from "../ingest/visitor-keys.ts";
import { Visitors } from "../ingest/visitors.ts";
import { nodeLogFiles } from "../log/files.ts";
import { aborted } from "../pause.ts";
import { QueryPool } from "../query/pool.ts";
import { noQueries } from "../query/queries.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { noReports } from "../readmodel/reports.ts";
import { type ChildContext, runChild } from "../supervisor/child.ts";
import { connectionsOf, descriptorLimit } from "./connection-limit.ts";
import { HealthService } from "./grpc-health.ts";
import { createHandlers } from "./handlers.ts";
import { Origins } from "./origin.ts";
import { openPlaces } from "./places.ts";
import { openPort } from "./port.ts";
import { registerReflection } from "./reflection.ts";
import { STOPPING, StatusService } from "./status-service.ts";
import { readTls } from "./tls.ts";

/** What requests under way are given when the process drains, in ms. */
const DRAIN_MS = 3000;
/** When the log has failed: time for the answers that say so, in ms. */
const FAILURE_EXIT_MS = 500;
/** How often is looked whether the read model that is open is still the current one, in ms: without a question, nobody else does. */
const LET_GO_MS = 60_000;

runChild("api", async ({ config, logger, ready, drain, projectorProblem }: ChildContext) => {
  const tls = readTls(config);
  const places = openPlaces(config, logger);
  const files = await nodeLogFiles(join(config.data, "log"));
  const takesEvents = config.role.includes("ingest");
  const health = new HealthService([AnalyticsService.typeName]);
  const visitorKeys = new VisitorKeys(config.data, logger);
  const enricher = new Enricher({ places, visitors: new Visitors(visitorKeys) });
  const ingestor = new Ingestor(Date.now, (isOpen) => health.set(isOpen), BUFFER_LIMITS, enricher);
  const host = new LogHost(files, ingestor, logger, (error) => {
    logger.fatal({ err: error }, "the event log failed: nothing more is acknowledged, the process ends");
    void ingestor.refuse(error.message);
    setTimeout(() => process.exit(1), FAILURE_EXIT_MS);
  });
  const maintenance = new Maintenance(config.data, files);
  const socket = join(config.data, INGEST_SOCKET);
  let control: ControlServer | undefined;
  if (takesEvents) {
    await host.start(config.data);
    visitorKeys.open();
    control = await serveControl(socket, maintenance.commands(), logger);
  } else {
    await ingestor.refuse("this server does not take events in: it runs without the role ingest");
    health.set(true);
  }

  const reader = new ReadModelReader(config.data);
  const pool = config.role.includes("report") ? new QueryPool(config.data, logger) : undefined;
  const letGo = async () => {
    reader.letGo();
    await pool?.letGo();
  };
  const letting = setInterval(() => {
    letGo().catch((error) => logger.warn({ err: error }, "a former read model cannot be closed"));
  }, LET_GO_MS).unref();
  const reports = pool ? reader : noReports;
  const status = new StatusService({
    files,
    ingestor: takesEvents ? ingestor : undefined,
    log: () => host.log,
    checkpoint: () => reader.checkpoint(),
    projectorProblem,
    degradedLagMs: config.degradedLag,
    drain,
    now: Date.now,
    logger,
  });
  const port = await openPort({
    host: config.host,
    port: config.port,
    maxConnections: connectionsOf(descriptorLimit()),
    ...tls,
    ...createHandlers({
      ...{
        ingest: ingestor,
        reports,
        queries: pool ?? noQueries,
        status,
        origins: new Origins(config),
        drain,
        logger,
      },
      register: (router) => {
        health.register(router);
        registerReflection(router, [AnalyticsService, Health, ServerReflection, ServerReflectionAlpha]);
      },
    }),
    logger,
  });
  ready({ url: port.url, port: port.port });

  await aborted(drain);
  logger.info("draining");
  health.shutdown();
  await port.drain(DRAIN_MS);
  await control?.close();
  await host.close(STOPPING);
  visitorKeys.close();
  places?.close();
  clearInterval(letting);
  await pool?.close();
  reader.close();
});
