import { expect, test } from "vitest";
import { type Engine, expectAgreement } from "./agreement.ts";
import { foldedEngine } from "./folded.ts";
import { plan } from "./plans.ts";
import type { ExportedEvent } from "./tables.ts";

/** Counts the events of "site", with `count`. Refuses questions with a filter. */
function counting(
  events: readonly ExportedEvent[],
  count: (ofSite: readonly ExportedEvent[]) => number,
): Engine {
  const ofSite = events.filter(({ siteId }) => siteId === "site");
  const understood = { ...plan({ includeBots: true }), filter: undefined, goal: undefined };
  const answer = { rows: [{ dimensions: [], metrics: [count(ofSite)], compared: [] }], rowCount: 1 };
  return {
    ask: ({ request }) => (request.filter ? undefined : { plan: understood, answer }),
    close: () => {},
  };
}

function withoutDuplicates(events: readonly ExportedEvent[]): number {
  return new Set(events.map(({ id, offset }) => (id.case === "clientEventId" ? id.value : offset))).size;
}

const FEW = { datasets: 5, questionsEach: 5, maxEvents: 50 };
/** Far more than it takes to meet a duplicate: the first one ends it. */
const MANY = { datasets: 50, questionsEach: 5, maxEvents: 200 };

test("an engine that is right agrees, and what it refuses is not counted", async () => {
  const answered = await expectAgreement((events) => counting(events, withoutDuplicates), FEW);
  expect(answered).toBeGreaterThan(0);
  expect(answered).toBeLessThan(25);
});

test("an engine that forgets duplicates is found out, with two events that show it", async () => {
  const judged = expectAgreement((events) => counting(events, ({ length }) => length), MANY);
  const { cause } = await judged.then(
    () => expect.fail("it was not found out"),
    (error: Error) => error,
  );
  const lines = String(cause).split("\n");
  expect(lines[0]).toContain('row 0 is {"dimensions":[],"metrics":[2],"compared":[]} instead of');
  expect(lines.slice(lines.indexOf("events:") + 1)).toHaveLength(2);
});

test("whatever is asked of whatever events, the answer is that of DuckDB", { timeout: 600_000 }, async () => {
  const answered = await expectAgreement(foldedEngine, { datasets: 65, questionsEach: 35, maxEvents: 300 });
  expect(answered).toBeGreaterThanOrEqual(2000);
});
