// The generated Go client: its own test (test/clients/go), run against a real server.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { needsCommand } from "../needs.ts";
import { sharedServer } from "./server.ts";

const CLIENT = join(import.meta.dirname, "../clients/go");

const server = sharedServer();
beforeEach(({ skip }) => needsCommand(skip, "go", "version"));

test("counts by every protocol", async () => {
  const env = { ...process.env, FOOTFALL_URL: server().url };
  const { stdout } = await promisify(execFile)("go", ["test", "-count=1", "-v", "./..."], {
    cwd: CLIENT,
    env,
  });
  expect(stdout.match(/^ +--- PASS: /gm)).toHaveLength(6);
});
