// What the protocols need of questions: one call that answers them, in time or not at all.
// It is implemented by QueryPool (pool.ts); tests of the protocols use a fake.

import type { QueryStatsRequest } from "../../gen/ts/analytics/v1/query_pb.ts";
import { refuse } from "../readmodel/reports.ts";
import type { AnswerRow } from "./plan.ts";

export interface Queries {
  /** Answers by `deadlineMs`, in ms since 1970, or by the server's time limit when that comes first. Throws ReportsRefused. */
  ask(request: QueryStatsRequest, deadlineMs: number): Promise<Reply>;
}

/** What stands in for them in a server without the role `report`. */
export const noQueries: Queries = { ask: refuse };

export type Reply =
  | ({ readonly kind: "answer" } & Answered)
  /** `reason` is fit to be shown to whoever asked. */
  | { readonly kind: Refusal; readonly reason: string };

/**
 * `invalid`: the question is wrong. `too_much`: it takes more memory than one may, or too many are asked at once.
 * `too_slow`: it takes longer than one may. `unreadable`: the statistics cannot be read at the moment.
 */
export type Refusal = "invalid" | "too_much" | "too_slow" | "unreadable";

interface Answered {
  readonly rows: readonly AnswerRow[];
  readonly rowCount: number;
  /** What QueryStatsResponse says of the range. */
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}
