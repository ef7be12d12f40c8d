import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Database } from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { openForWriting } from "../../src/readmodel/commits.ts";
import { WalCheckpoints } from "../../src/readmodel/wal-checkpoints.ts";
import { temporaryDirectory } from "../temporary.ts";

const ROWS = 1000;
const BYTES = ROWS * 1000;

function open(path: string): Database {
  const database = openForWriting(path);
  onTestFinished(() => void database.close());
  database.exec("CREATE TABLE some (text TEXT)");
  return database;
}

function checkpointsOf(path: string): WalCheckpoints {
  const checkpoints = new WalCheckpoints(path);
  onTestFinished(() => checkpoints.close());
  return checkpoints;
}

function write(database: Database): void {
  const insert = database.prepare("INSERT INTO some VALUES (?)");
  database.transaction(() => {
    for (let row = 0; row < ROWS; row += 1) insert.run("x".repeat(1000));
  })();
}

test("what is committed is copied into the database, time and again, also when it was closed", async () => {
  const path = join(temporaryDirectory(), "some.db");
  const database = open(path);
  const checkpoints = checkpointsOf(path);
  for (let time = 1; time <= 4; time += 1) {
    write(database);
    expect(statSync(path).size).toBeLessThan(time * BYTES);
    checkpoints.start();
    checkpoints.start();
    await vi.waitFor(() => expect(statSync(path).size).toBeGreaterThan(time * BYTES), 5000);
    if (time === 2) await checkpoints.close();
  }
});

test("where it cannot copy it leaves that to others, and it begins anew when it can", async () => {
  const directory = join(temporaryDirectory(), "later");
  const path = join(directory, "some.db");
  const checkpoints = checkpointsOf(path);
  checkpoints.start();
  await new Promise((resolve) => setTimeout(resolve, 100));
  mkdirSync(directory);
  write(open(path));
  await vi.waitFor(() => {
    checkpoints.start();
    expect(statSync(path).size).toBeGreaterThan(BYTES);
  }, 5000);
});
