// What the port serves, put together: REST, the RPCs, and the lane of events before both.

import type { ConnectRouter } from "@connectrpc/connect";
import type { Logger } from "pino";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { Queries } from "../query/queries.ts";
import type { Reports } from "../readmodel/reports.ts";
import { registerAnalyticsService } from "./analytics-service.ts";
import { createConnectHandler } from "./connect-adapter.ts";
import { IngestLane } from "./ingest-lane.ts";
import { type FullHandler, pathOf, type Request } from "./node-http.ts";
import type { Origins } from "./origin.ts";
import type { PortOptions } from "./port.ts";
import { registerQueryService } from "./query-service.ts";
import { createRestHandler, notFound } from "./rest.ts";
import type { StatusSource } from "./status.ts";

export interface HandlerDependencies {
  readonly ingest: Ingest;
  readonly reports: Reports;
  readonly queries: Queries;
  readonly status: StatusSource;
  readonly origins: Origins;
  /** Aborts when the process drains. */
  readonly drain: AbortSignal;
  readonly logger: Logger;
  /** Registers further services. */
  readonly register?: (router: ConnectRouter) => void;
}

/** Of statistics and of questions. */
const LARGE_ANSWERS = new Set([
  "/stats",
  ...[AnalyticsService.method.getStats, AnalyticsService.method.queryStats].map(
    ({ name }) => `/${AnalyticsService.typeName}/${name}`,
  ),
]);

export function createHandlers(
  dependencies: HandlerDependencies,
): Pick<PortOptions, "handler" | "hasLargeAnswer" | "lane"> {
  const { ingest, origins, drain, logger, register } = dependencies;
  const rest = createRestHandler(dependencies);
  const connect = createConnectHandler({
    ...{ logger, origins },
    fallback: notFound,
    shutdownSignal: drain,
    routes: (router) => {
      registerAnalyticsService(router, dependencies);
      registerQueryService(router, dependencies);
      register?.(router);
    },
  });
  const full: FullHandler = (req, res, body) => {
    if (!rest(req, res, body)) connect(req, res, body);
  };
  const hasLargeAnswer = (req: Request) => LARGE_ANSWERS.has(pathOf(req));
  return { handler: full, hasLargeAnswer, lane: new IngestLane(ingest, origins, full, logger) };
}
