// A real server under what no client should send; `npm run fuzz` does more of it.

import { expect, test } from "vitest";
import { fuzz } from "../fuzz/fuzz.ts";
import { temporaryDirectory } from "../temporary.ts";
import { Server } from "./server.ts";

const CONNECTIONS = 1000;

test("garbage, broken requests, frames out of order and any RPC do the server no harm", async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const seed = Date.now() % 2 ** 31;
  const report = await fuzz({ server, data, connections: CONNECTIONS, seed }).catch((error) => {
    throw new Error(`npm run fuzz -- --connections ${CONNECTIONS} --seed ${seed}`, { cause: error });
  });
  expect(report.acknowledged).toBeGreaterThan(0);
  expect(report.inLog).toBeGreaterThanOrEqual(report.acknowledged);
  expect(await server.stop()).toMatchObject({ code: 0 });
});
