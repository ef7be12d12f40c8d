import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { Commits } from "../../src/readmodel/commits.ts";
import { SCHEMA } from "../../src/readmodel/schema.ts";

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
