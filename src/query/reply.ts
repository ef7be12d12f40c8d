// From a question as it came to what is answered.

import { fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { FilterSchema, QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { isUnreadable, unreadable } from "../readmodel/reports.ts";
import { answer } from "./engine.ts";
import { TooMuch, TooSlow } from "./limits.ts";
import type { Task } from "./pool.ts";
import type { Reply } from "./queries.ts";
import { planQuery } from "./request.ts";
import type { StoredEvents } from "./stored-events.ts";
import { zonedTime } from "./time-zones.ts";

export function replyTo({ request, nowMs, deadlineMs }: Task, stored: StoredEvents): Reply {
  const question = fromBinary(QueryStatsRequestSchema, request);
  const checkTime = () => {
    if (Date.now() > deadlineMs) throw new TooSlow("the question took longer than it may: ask for less");
  };
  try {
    checkTime();
    return stored.snapshot(question.siteId, (events, { goals, timeZone }): Reply => {
      const goal = (name: string) => {
        const filter = goals.get(name);
        return filter === undefined ? undefined : fromJsonString(FilterSchema, filter);
      };
      const planned = planQuery(question, { nowMs, timeZone, goal });
      if (!planned.ok) return { kind: "invalid", reason: planned.reason };
      const { plan } = planned;
      return {
        kind: "answer",
        ...answer(plan, events, checkTime),
        from: textOf(plan.period.fromMs, plan.timeZone),
        to: textOf(plan.period.toMs, plan.timeZone),
        timeZone: plan.timeZone,
      };
    });
  } catch (error) {
    if (error instanceof TooMuch) return { kind: "too_much", reason: error.message };
    if (error instanceof TooSlow) return { kind: "too_slow", reason: error.message };
    if (isUnreadable(error)) return { kind: "unreadable", reason: unreadable(error) };
    throw error;
  }
}

/** RFC 3339 with the time zone's offset; empty for what is not bounded. */
function textOf(timeMs: number, timeZone: string): string {
  if (!Number.isFinite(timeMs)) return "";
  return zonedTime(timeMs, timeZone).toString({ timeZoneName: "never" });
}
