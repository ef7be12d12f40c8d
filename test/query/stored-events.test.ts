import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { StoredEvents } from "../../src/query/stored-events.ts";
import { CHUNK_SIZES } from "../../src/readmodel/chunks.ts";
import { generationPath, publishGeneration, removeGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const ALIASES = 10_000;

/** Of a site with one event, and a chain of sessions of which each became part of the next one. */
async function openWithAliases(): Promise<StoredEvents> {
  const directory = temporaryDirectory();
  const path = generationPath(directory, 1);
  const writer = new ReadModelWriter(path, { dedupeWindowMs: 1000 });
  writer.apply(batch([{ path: "/a", user: "u" }]), after(1));
  await writer.close();
  publishGeneration(directory, 1);
  const database = new Database(path);
  const add = database.prepare("INSERT INTO session_aliases VALUES (1, ?, ?)");
  database.transaction(() => {
    for (let gone = 1; gone <= ALIASES; gone += 1) add.run(gone, gone + 1);
  })();
  database.close();
  const stored = new StoredEvents(directory, 1e6);
  onTestFinished(() => stored.close());
  return stored;
}

test("a session is resolved to the one that it is part of in the end", async () => {
  const stored = await openWithAliases();
  const aliases = stored.snapshot("site", (events) => events.aliases(() => {}));
  expect(aliases.size).toBe(ALIASES);
  expect(new Set(aliases.values())).toEqual(new Set([ALIASES + 1]));
});

test("the time is looked at while very many aliases are read", async () => {
  const stored = await openWithAliases();
  let looks = 0;
  const checkTime = () => {
    looks += 1;
    if (looks === 5) throw new Error("too slow");
  };
  expect(() => stored.snapshot("site", (events) => events.aliases(checkTime))).toThrow("too slow");
  expect(looks).toBe(5);
  // The statement that was under way is over.
  expect(stored.snapshot("site", (events) => events.aliases(() => {})).size).toBe(ALIASES);
});

test("when a database is deleted and made anew with the same number, nothing is answered from the old one", async () => {
  const directory = temporaryDirectory();
  // Columns of large chunks are kept in memory.
  const sizes = { ...CHUNK_SIZES, large: 1 };
  const make = async (path: string) => {
    const writer = new ReadModelWriter(generationPath(directory, 1), { dedupeWindowMs: 1000 }, sizes);
    writer.apply(batch([{ path }, { path }]), after(2));
    await writer.close();
    publishGeneration(directory, 1);
  };
  const stored = new StoredEvents(directory, 1e6);
  onTestFinished(() => stored.close());
  const paths = () =>
    stored.snapshot("site", ({ chunks }) => chunks.flatMap((chunk) => chunk.texts("path")?.dictionary));
  await make("/old");
  expect(paths()).toContain("/old");
  removeGeneration(directory, 1);
  // The link is there, and the file is not yet.
  expect(paths()).toContain("/old");
  await make("/new");
  expect(paths()).toContain("/new");
  expect(paths()).not.toContain("/old");
});
