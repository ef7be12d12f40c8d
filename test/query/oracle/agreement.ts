// Holds an engine to the oracle: both are asked the same random questions about the same random events.

import { toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { FilterSchema, QueryStatsRequestSchema } from "../../../gen/ts/analytics/v1/query_pb.ts";
import type { Answer, AnswerRow, Metric, Plan } from "../../../src/query/plan.ts";
import { dataset } from "./events.ts";
import { Oracle } from "./oracle.ts";
import { type Question, question } from "./questions.ts";
import type { ExportedEvent } from "./tables.ts";

/** What is judged, with the events of one log. */
export interface Engine {
  /**
   * The answer to a question that is asked at `nowMs`, and how it was understood: the oracle believes its periods and its
   * order. Undefined when it is refused.
   */
  ask(question: Question, nowMs: number): { readonly plan: Plan; readonly answer: Answer } | undefined;
  close(): void;
}

type OpenEngine = (events: readonly ExportedEvent[]) => Engine | Promise<Engine>;

/** How much is asked. */
interface Amount {
  readonly datasets: number;
  readonly questionsEach: number;
  readonly maxEvents: number;
}

/** How far the quotients may be apart, as a share of the oracle's. */
const TOLERANCE = 1e-9;
const QUOTIENTS: readonly Metric[] = ["views_per_visit", "bounce_rate", "visit_duration", "conversion_rate"];

/**
 * Asks; how many questions were answered, and not refused. Throws when an answer is not the oracle's, and tells the fewest
 * events that show it.
 */
export async function expectAgreement(open: OpenEngine, amount: Amount): Promise<number> {
  const { datasets, questionsEach, maxEvents } = amount;
  const asked = dataset(maxEvents).chain(({ moment, events }) =>
    fc
      .array(question(moment.ms, moment.timeZone), { minLength: questionsEach, maxLength: questionsEach })
      .map((questions) => ({ momentMs: moment.ms, events, questions })),
  );
  let answered = 0;
  const agrees = fc.asyncProperty(asked, async ({ momentMs, events, questions }) => {
    const judge = new Judge(open, momentMs);
    for (const [index, verdict] of (await judge.verdicts(events, questions)).entries()) {
      const [question] = questions.slice(index);
      if (verdict.kind === "wrong" && question) throw new Error(await judge.explain(events, question));
      if (verdict.kind === "right") answered += 1;
    }
  });
  // Judge.explain() shrinks what is worth it; fast-check would take hours, and shows all questions.
  await fc.assert(agrees, { numRuns: datasets, endOnFailure: true, reporter: report });
  return answered;
}

/** Without the counterexample, which explain() gives in short. */
function report<Asked>({ failed, seed, counterexamplePath, errorInstance }: fc.RunDetails<Asked>): void {
  if (failed) throw new Error(`seed ${seed}, path ${counterexamplePath}`, { cause: errorInstance });
}

type Verdict =
  | { readonly kind: "right" | "refused" }
  /** `how` it differs. */
  | { readonly kind: "wrong"; readonly how: string };

class Judge {
  readonly #open: OpenEngine;
  readonly #momentMs: number;

  constructor(open: OpenEngine, momentMs: number) {
    this.#open = open;
    this.#momentMs = momentMs;
  }

  /** One for each of the questions. */
  async verdicts(events: readonly ExportedEvent[], questions: readonly Question[]): Promise<Verdict[]> {
    const oracle = await Oracle.open(events);
    const engine = await this.#open(events);
    const verdicts: Verdict[] = [];
    try {
      for (const question of questions) verdicts.push(await this.#verdict(engine, oracle, question));
    } finally {
      engine.close();
      oracle.close();
    }
    return verdicts;
  }

  async #verdict(engine: Engine, oracle: Oracle, question: Question): Promise<Verdict> {
    const reply = engine.ask(question, this.#momentMs + question.afterMs);
    if (!reply) return { kind: "refused" };
    const { plan, answer } = reply;
    const { goal, request } = question;
    const right = await oracle.answer({ ...plan, filter: request.filter, goal: plan.goal && goal });
    const how = difference(answer, right, plan.metrics);
    return how === undefined ? { kind: "right" } : { kind: "wrong", how };
  }

  /** All that is needed to see why the answer to `question` is wrong. */
  async explain(events: readonly ExportedEvent[], question: Question): Promise<string> {
    let how = "";
    const fewest = await fewestOf(events, async (some) => {
      const [verdict] = await this.verdicts(some, [question]);
      if (verdict?.kind !== "wrong") return false;
      how = verdict.how;
      return true;
    });
    return [
      `the answer differs from the oracle's: ${how}`,
      `asked at ${new Date(this.#momentMs + question.afterMs).toISOString()}`,
      `question: ${toJsonString(QueryStatsRequestSchema, question.request)}`,
      `goal: ${toJsonString(FilterSchema, question.goal)}`,
      "events:",
      ...fewest.map((event) => JSON.stringify(event, plainly)),
    ].join("\n");
  }
}

/** What is different in `answer`; undefined when nothing is. */
function difference(answer: Answer, right: Answer, metrics: readonly Metric[]): string | undefined {
  if (answer.rowCount !== right.rowCount) {
    return `it has ${answer.rowCount} rows in all instead of ${right.rowCount}`;
  }
  for (let index = 0; index < Math.max(answer.rows.length, right.rows.length); index += 1) {
    const [row, rightRow] = [answer.rows[index], right.rows[index]];
    if (!row || !rightRow || !isSameRow(row, rightRow, metrics)) {
      return `row ${index} is ${JSON.stringify(row)} instead of ${JSON.stringify(rightRow)}`;
    }
  }
  return undefined;
}

function isSameRow(row: AnswerRow, right: AnswerRow, metrics: readonly Metric[]): boolean {
  const areSame = (numbers: readonly number[], rightNumbers: readonly number[]) =>
    numbers.length === rightNumbers.length &&
    numbers.every((number, index) => isSame(number, rightNumbers[index] ?? Number.NaN, metrics[index]));
  return (
    row.dimensions.length === right.dimensions.length &&
    row.dimensions.every((text, index) => text === right.dimensions[index]) &&
    areSame(row.metrics, right.metrics) &&
    areSame(row.compared, right.compared)
  );
}

function isSame(number: number, right: number, metric: Metric | undefined): boolean {
  if (metric === undefined || !QUOTIENTS.includes(metric)) return number === right;
  return Math.abs(number - right) <= TOLERANCE * Math.abs(right);
}

/**
 * Leaves out as many events as it can, in ever shorter runs, while `isWrong` holds; offsets are given anew. `isWrong` was
 * last true of the result.
 */
async function fewestOf(
  events: readonly ExportedEvent[],
  isWrong: (events: readonly ExportedEvent[]) => Promise<boolean>,
): Promise<readonly ExportedEvent[]> {
  let left = events;
  for (let run = events.length; run >= 1; run = Math.floor(run / 2)) {
    for (let at = 0; at < left.length; ) {
      const fewer = left.toSpliced(at, run).map((event, offset) => ({ ...event, offset }));
      if (await isWrong(fewer)) left = fewer;
      else at += run;
    }
  }
  return left;
}

/** For JSON.stringify: bytes as hexadecimal digits, big integers as numbers. */
function plainly(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return typeof value === "bigint" ? Number(value) : value;
}
