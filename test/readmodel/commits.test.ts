import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { Commits } from "../../src/readmodel/commits.ts";
import { generationPath } from "../../src/readmodel/generations.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

function open(problem: Error) {
  const database = new Database(":memory:");
  onTestFinished(() => void database.close());
  database.exec(SCHEMA);
  const commits = new Commits(database);
  database.pragma = () => {
    throw problem;
  };
  return commits;
}

test("where the write-ahead log cannot be copied for lack of room, nothing is wrong yet", () => {
  const commits = open(new Database.SqliteError("database or disk is full", "SQLITE_FULL"));
  expect(() => commits.copyLog()).not.toThrow();
});

test("what else goes wrong then is told", () => {
  const commits = open(new TypeError("no such thing"));
  expect(() => commits.copyLog()).toThrow("no such thing");
});

test("what the disk refuses behind a commit does not make a failure of the batch", async () => {
  const directory = temporaryDirectory();
  const path = generationPath(directory, 1);
  const writer = new ReadModelWriter(path, { dedupeWindowMs: 1000 });
  writer.apply(batch([{ path: "/a" }]), after(1));
  // Its files are open; to find one by its name fails.
  renameSync(directory, `${directory}-moved`);
  symlinkSync(directory, directory);
  try {
    writer.apply(batch([{ path: "/b" }], 1), after(2));
  } finally {
    unlinkSync(directory);
    renameSync(`${directory}-moved`, directory);
  }
  await writer.close();
  const database = new Database(path, { readonly: true });
  onTestFinished(() => void database.close());
  expect(database.prepare("SELECT path FROM events ORDER BY id").pluck().all()).toEqual(["/a", "/b"]);
});
