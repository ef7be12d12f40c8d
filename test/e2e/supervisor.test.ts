// A process that cannot be started, as while an upgrade replaces Node.js, is tried again until it can.

import { copyFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { childOf } from "../server-process.ts";
import { temporaryDirectory } from "../temporary.ts";
import { spawnServer, until } from "./server.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

test("while Node.js is not there, health says that the projector cannot be started; then it is", async () => {
  const directory = temporaryDirectory();
  const node = join(directory, "node");
  copyFileSync(process.execPath, node);
  const { server, closed, url } = await spawnServer(node, [
    MAIN,
    "serve",
    "--port",
    "0",
    "--data",
    join(directory, "data"),
  ]);
  const health = async () => (await fetch(`${url}/health`)).json() as Promise<Record<string, unknown>>;

  renameSync(node, `${node}-away`);
  process.kill(childOf(server.pid ?? 0, "projector") ?? 0, "SIGKILL");
  const reason = await until("health says why", async () => {
    const { reason } = await health();
    return String(reason).includes("cannot be started") ? reason : undefined;
  });
  expect(reason).toMatch(/^the projector is down: it cannot be started: .*ENOENT/);
  renameSync(`${node}-away`, node);
  await until(
    "the projector is back",
    async () => ((await health()).status === "healthy" ? true : undefined),
    30_000,
  );
  server.kill("SIGTERM");
  expect(await closed).toEqual([0, null]);
});
