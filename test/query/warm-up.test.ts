import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { StoredEvents } from "../../src/query/stored-events.ts";
import { warmUp } from "../../src/query/warm-up.ts";
import { WARM_UP_QUESTIONS } from "../../src/query/warm-up-questions.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const CACHE_BYTES = 1_000_000;
const LAST = "2025-11-13T12:01:00Z";

test("each of its questions is answered, from the events of the site with the most visitors", () => {
  const directory = temporaryDirectory();
  const model = new ReadModelWriter(generationPath(directory, 1), { dedupeWindowMs: 1000 });
  const given = [
    { site: "b", user: "ada", at: "2025-11-13T12:00:00Z" },
    { site: "b", user: "bob", at: LAST },
    { site: "a", user: "ada", at: "2025-11-14T12:00:00Z" },
  ];
  model.apply(batch(given), after(given.length));
  model.close();
  publishGeneration(directory, 1);
  const stored = new StoredEvents(directory, CACHE_BYTES);
  expect(stored.mostVisited()).toEqual({ siteId: "b", lastMs: Date.parse(LAST) });
  for (const question of WARM_UP_QUESTIONS) {
    const reply = warmUp(question, stored);
    expect(reply).toMatchObject({ kind: "answer" });
    expect(reply?.kind === "answer" && reply.rows.length).toBeGreaterThan(0);
  }
  stored.close();
});

test("without events there is nothing to ask, and a read model that cannot be read is no error", () => {
  const directory = temporaryDirectory();
  const [question] = WARM_UP_QUESTIONS;
  if (!question) throw new Error("there are no questions");
  const stored = new StoredEvents(directory, CACHE_BYTES);
  expect(warmUp(question, stored)).toBeUndefined();
  writeFileSync(generationPath(directory, 1), "no database".repeat(100));
  publishGeneration(directory, 1);
  expect(warmUp(question, stored)).toBeUndefined();
  stored.close();
});
