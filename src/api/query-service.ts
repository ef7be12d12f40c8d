// The RPCs that ask: QueryStats, and what is known of a site; and those that say something about a site.

import { create, fromJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { AnalyticsService } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { RecordedGoalSchema, RecordedSiteSchema } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import type { Ingest, Setting } from "../ingest/ingest.ts";
import { settingProblem } from "../ingest/settings.ts";
import type { Queries, Refusal } from "../query/queries.ts";
import type { Reports } from "../readmodel/reports.ts";
import { orFail, reportOrFail } from "./failures.ts";
import { QUESTION_JSON } from "./json-options.ts";
import { MAX_EVENT_BYTES } from "./message-size.ts";

export interface QueryDependencies {
  readonly ingest: Ingest;
  readonly reports: Reports;
  readonly queries: Queries;
}

const CODES: Readonly<Record<Refusal, Code>> = {
  invalid: Code.InvalidArgument,
  too_much: Code.ResourceExhausted,
  too_slow: Code.DeadlineExceeded,
  unreadable: Code.Unavailable,
};

/** In bytes. More would keep the process busy with decoding, which takes events in as well. */
const QUESTION = { readMaxBytes: 256 * 1024, jsonOptions: QUESTION_JSON };
const SMALL_MESSAGE = { readMaxBytes: MAX_EVENT_BYTES, jsonOptions: QUESTION_JSON };

export function registerQueryService(router: ConnectRouter, dependencies: QueryDependencies): void {
  const { ingest, queries, reports } = dependencies;
  const { method } = AnalyticsService;

  router.rpc(
    method.queryStats,
    async (request, { timeoutMs }) => {
      const deadlineMs = Date.now() + (timeoutMs() ?? Number.POSITIVE_INFINITY);
      const reply = await reportOrFail(() => queries.ask(request, deadlineMs));
      if (reply.kind !== "answer") throw new ConnectError(reply.reason, CODES[reply.kind]);
      const { rows, rowCount, from, to, timeZone } = reply;
      return {
        rows: rows.map(({ dimensions, metrics, compared }) => ({
          dimensions: [...dimensions],
          metrics: [...metrics],
          compared: [...compared],
        })),
        ...{ rowCount: BigInt(rowCount), from, to, timeZone },
      };
    },
    QUESTION,
  );

  const record = async (setting: Setting) => {
    const problem = settingProblem(setting);
    if (problem !== undefined) throw new ConnectError(problem, Code.InvalidArgument);
    await orFail(ingest.record(setting));
    return {};
  };
  router.rpc(
    method.setSite,
    ({ siteId, name, timeZone }) => record(create(RecordedSiteSchema, { siteId, name, timeZone })),
    SMALL_MESSAGE,
  );
  router.rpc(
    method.setGoal,
    ({ siteId, name, filter }) => {
      if (!filter) throw new ConnectError("Missing required field: filter", Code.InvalidArgument);
      return record(create(RecordedGoalSchema, { siteId, name, filter }));
    },
    SMALL_MESSAGE,
  );
  router.rpc(
    method.deleteGoal,
    ({ siteId, name }) => record(create(RecordedGoalSchema, { siteId, name })),
    SMALL_MESSAGE,
  );

  router.rpc(
    method.getSite,
    async ({ siteId }) => {
      if (siteId === "") throw new ConnectError("Missing required field: site_id", Code.InvalidArgument);
      const { name, timeZone, goals } = await reportOrFail(() => reports.site(siteId));
      return {
        ...{ siteId, name, timeZone },
        goals: [...goals].map(([name, filter]) => ({ name, filter: fromJsonString(FilterSchema, filter) })),
      };
    },
    SMALL_MESSAGE,
  );
}
