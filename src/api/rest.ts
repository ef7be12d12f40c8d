// The REST surface: POST /event, GET /stats and GET /health, as senders of the older service know them.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Logger } from "pino";
import { type Ingest, IngestError } from "../ingest/ingest.ts";
import type { Reports } from "../readmodel/reports.ts";
import { readBody } from "./rest-body.ts";
import { parseEventJson } from "./rest-event.ts";
import { checkStatsQuery } from "./stats-query.ts";
import type { StatusSource } from "./status.ts";

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

export interface RestDependencies {
  readonly ingest: Ingest;
  readonly reports: Reports;
  readonly status: StatusSource;
  readonly logger: Logger;
}

/** The longest body of a single event, in bytes. */
const MAX_EVENT_BODY_BYTES = 64 * 1024;
/** When a sender that was refused may try again, in seconds. */
const RETRY_AFTER_SECONDS = "1";

interface Answer {
  readonly status: number;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

type Route = (req: Request, url: URL) => Promise<Answer> | Answer;

/** A handler that answers the REST requests and returns false for all others, untouched. */
export function createRestHandler(dependencies: RestDependencies): (req: Request, res: Response) => boolean {
  const routes = new Map<string, { readonly methods: readonly string[]; readonly route: Route }>([
    ["/event", { methods: ["POST"], route: (req) => postEvent(dependencies, req) }],
    ["/stats", { methods: ["GET", "HEAD"], route: (_, url) => getStats(dependencies, url) }],
    ["/health", { methods: ["GET", "HEAD"], route: () => getHealth(dependencies) }],
  ]);
  return (req, res) => {
    const target = req.url ?? "";
    const queryAt = target.indexOf("?");
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    const found = routes.get(path);
    if (!found) return false;
    if (!found.methods.includes(req.method ?? "")) {
      const allow = found.methods.join(", ");
      respond(req, res, {
        status: 405,
        body: { error: `${path} takes ${allow} only` },
        headers: { Allow: allow },
      });
      return true;
    }
    const url = new URL(`http://localhost${path}${queryAt === -1 ? "" : target.slice(queryAt)}`);
    Promise.resolve()
      .then(() => found.route(req, url))
      .catch((error: unknown) => failure(error, dependencies.logger))
      .then((answer) => respond(req, res, answer))
      .catch((error: unknown) => dependencies.logger.error({ err: error }, "an answer could not be written"));
    return true;
  };
}

/** Answers a request for which there is no handler. */
export function notFound(req: Request, res: Response): void {
  respond(req, res, {
    status: 404,
    body: { error: "Not found: there are POST /event, GET /stats, GET /health and the analytics.v1 API" },
  });
}

async function postEvent({ ingest }: RestDependencies, req: Request): Promise<Answer> {
  const encoding = req.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    return { status: 415, body: { error: "Content-Encoding is not supported: send the body uncompressed" } };
  }
  const body = await readBody(req, MAX_EVENT_BODY_BYTES);
  if (body === "too_large") {
    return { status: 413, body: { error: `The body is larger than ${MAX_EVENT_BODY_BYTES} bytes` } };
  }
  if (body === "aborted") return { status: 400, body: { error: "The body ended early" } };
  const event = parseEventJson(body);
  if (typeof event === "string") return { status: 400, body: { error: event } };
  const { rejected } = await ingest.ingest([event]);
  const [rejection] = rejected;
  if (rejection) return { status: 400, body: { error: rejection.reason } };
  return { status: 200, body: { message: "Event received" } };
}

function getStats({ reports }: RestDependencies, url: URL): Answer {
  const { searchParams } = url;
  const limit = searchParams.get("limit");
  const checked = checkStatsQuery(
    searchParams.get("site_id") ?? "",
    searchParams.get("date") ?? "",
    limit === null || limit === "" ? undefined : Number(limit),
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
  logger.error({ err: error }, "a REST request failed");
  return { status: 500, body: { error: "internal error" } };
}

function respond(req: Request, res: Response, answer: Answer): void {
  const body = Buffer.from(JSON.stringify(answer.body));
  res.writeHead(answer.status, {
    "Content-Type": "application/json",
    "Content-Length": body.byteLength,
    ...answer.headers,
    // What is left of a body that was refused is not read: the connection cannot go on behind it.
    ...(req.httpVersionMajor === 1 && !req.complete && { Connection: "close" }),
  });
  res.end(req.method === "HEAD" ? undefined : body);
  if (!req.complete) req.resume();
}
