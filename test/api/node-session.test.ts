import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type NodeListener, NodeSession } from "../../src/api/node-session.ts";
import { getOf } from "./event-shapes.ts";

const NOBODY: NodeListener = { onNodeFrame() {}, onNodeBehind() {}, onNodeReady() {}, onNodeEnd() {} };

test("thousands of blocks that name long fields by their indexes do not become megabytes", async () => {
  const session = new NodeSession(NOBODY);
  let bytes = 0;
  session.connection.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const long = { name: "x-a", value: "a".repeat(3900) };
  for (let n = 0; n < 4000; n += 1) session.open(1 + 2 * n, [...getOf("/"), long, long, long], true);
  await nextTurn();
  expect(bytes).toBeGreaterThan(4000);
  expect(bytes).toBeLessThan(1_000_000);
});
