// The REST surface: POST /event, GET /stats and GET /health, as senders of the older service know them.

import type { Logger } from "pino";
import { type Ingest, IngestError } from "../ingest/ingest.ts";
import { isUnreadable, type Reports, ReportsRefused, unreadable } from "../readmodel/reports.ts";
import { MAX_EVENT_BYTES } from "./message-size.ts";
import { type Request, type Response, respondJson } from "./node-http.ts";
import { NOT_STORED, type Origins } from "./origin.ts";
import { discardBody, readBody } from "./rest-body.ts";
import { parseEventJson } from "./rest-event.ts";
import { checkStatsQuery } from "./stats-query.ts";
import type { StatusSource } from "./status.ts";

export interface RestDependencies {
  readonly ingest: Ingest;
  readonly reports: Reports;
  readonly status: StatusSource;
  readonly origins: Origins;
  readonly logger: Logger;
}

/** When a sender that was refused may try again, in seconds. */
const RETRY_AFTER_SECONDS = "1";

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request; `query` is what stands behind the "?". */
type Route = (req: Request, query: string, body: Buffer | undefined) => Promise<Answer> | Answer;

/** A handler that answers the REST requests and returns false for all others, untouched. */
export function createRestHandler(
  dependencies: RestDependencies,
): (req: Request, res: Response, body?: Buffer) => boolean {
  const routes = new Map<string, { readonly methods: readonly string[]; readonly route: Route }>([
    ["/event", { methods: ["POST"], route: (req, _, body) => postEvent(dependencies, req, body) }],
    ["/stats", { methods: ["GET", "HEAD"], route: (_, query) => getStats(dependencies, query) }],
    ["/health", { methods: ["GET", "HEAD"], route: () => getHealth(dependencies) }],
  ]);
  return (req, res, body) => {
    const target = req.url ?? "";
    const queryAt = target.indexOf("?");
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    const found = routes.get(path);
    if (!found) return false;
    const query = queryAt === -1 ? "" : target.slice(queryAt + 1);
    const route = found.methods.includes(req.method ?? "")
      ? found.route
      : methodNotAllowed(path, found.methods);
    Promise.resolve()
      .then(() => route(req, query, body))
      .catch((error: unknown) => failure(error, dependencies.logger))
      .then(({ status, body, headers }) => respondJson(req, res, status, body, headers))
      .catch((error: unknown) => dependencies.logger.error({ err: error }, "an answer could not be written"));
    return true;
  };
}

/** Answers a request for which there is no handler. */
export function notFound(req: Request, res: Response): void {
  const error = "Not found: there are POST /event, GET /stats, GET /health and the analytics.v1 API";
  respondJson(req, res, 404, { error });
}

function methodNotAllowed(path: string, methods: readonly string[]): Route {
  const allow = methods.join(", ");
  return async (req) => {
    await discardBody(req);
    return { status: 405, body: { error: `${path} takes ${allow} only` }, headers: { Allow: allow } };
  };
}

async function postEvent(
  { ingest, origins }: RestDependencies,
  req: Request,
  given: Buffer | undefined,
): Promise<Answer> {
  const origin = origins.ofRequest(req);
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    await discardBody(req);
    const error = "Content-Encoding is not supported: send the body uncompressed";
    return { status: 415, body: { error }, headers: { "Accept-Encoding": "identity" } };
  }
  const body = given ?? (await readBody(req, MAX_EVENT_BYTES));
  if (body === "too_large" || body.length > MAX_EVENT_BYTES) {
    return { status: 413, body: { error: `The body is larger than ${MAX_EVENT_BYTES} bytes` } };
  }
  if (body === "aborted") return { status: 400, body: { error: "The body ended early" } };
  const event = parseEventJson(body);
  if (typeof event === "string") return { status: 400, body: { error: event } };
  if (origin.refusesTracking) return { status: 200, body: { message: NOT_STORED } };
  const { rejected } = await ingest.ingest([event], origin);
  const [rejection] = rejected;
  if (rejection) return { status: 400, body: { error: rejection.reason } };
  return { status: 200, body: { message: "Event received" } };
}

function getStats({ reports }: RestDependencies, query: string): Answer {
  // It takes broken percent-encoding as it stands; of a parameter that is repeated the first counts.
  const parameters = new URLSearchParams(query);
  const checked = checkStatsQuery(
    parameters.get("site_id") ?? "",
    parameters.get("date") ?? "",
    limitOf(parameters.get("limit") ?? ""),
  );
  if (!checked.ok) return { status: 400, body: { error: checked.reason } };
  const stats = reports.stats(checked.query);
  return {
    status: 200,
    body: {
      site_id: checked.query.siteId,
      date: checked.query.date,
      total_views: stats.totalViews,
      unique_users: stats.uniqueUsers,
      top_paths: stats.topPaths,
    },
  };
}

/** Undefined when there is none; NaN, which is no limit, for what is not written in digits. */
function limitOf(text: string): number | undefined {
  if (text === "") return undefined;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

async function getHealth({ status }: RestDependencies): Promise<Answer> {
  const now = await status.status();
  return {
    status: now.state === "unavailable" ? 503 : 200,
    body: {
      status: now.state,
      service: "ingestion_api",
      queue_size: now.backlog,
      ...(now.reason !== "" && { reason: now.reason }),
      version: now.version,
      uptime_ms: now.uptimeMs,
      log_end: now.logEnd,
      projected: now.projected,
      lag_ms: now.lagMs,
    },
  };
}

/** The answer to what a route threw: refusals are expected, the rest is a bug and is logged. */
function failure(error: unknown, logger: Logger): Answer {
  if (error instanceof IngestError) {
    const headers = { "Retry-After": RETRY_AFTER_SECONDS };
    return { status: 503, body: { error: error.message }, headers };
  }
  if (isUnreadable(error)) {
    logger.error({ err: error }, "statistics cannot be read");
    const headers = { "Retry-After": RETRY_AFTER_SECONDS };
    return { status: 503, body: { error: unreadable(error) }, headers };
  }
  if (error instanceof ReportsRefused) return { status: 501, body: { error: error.message } };
  logger.error({ err: error }, "a REST request failed");
  return { status: 500, body: { error: "internal error" } };
}
