import { readdirSync, readlinkSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import pino from "pino";
import { expect, onTestFinished, test } from "vitest";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { QueryPool } from "../../src/query/pool.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

async function makeGeneration(directory: string, generation: number): Promise<void> {
  const writer = new ReadModelWriter(generationPath(directory, generation), { dedupeWindowMs: 1000 });
  writer.apply(batch([{ path: "/a" }]), after(1));
  await writer.close();
  publishGeneration(directory, generation);
}

/** How often a file is open in this process, which Linux tells. */
function opened(path: string): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // It is the one that the directory was read by.
      return false;
    }
  }).length;
}

test.runIf(process.platform === "linux")("a read model that was replaced is let go of", async () => {
  const directory = temporaryDirectory();
  await makeGeneration(directory, 1);
  const pool = new QueryPool(directory, pino({ level: "silent" }));
  onTestFinished(() => pool.close());
  const question = create(QueryStatsRequestSchema, { siteId: "site", metrics: ["events"], range: "all" });
  const ask = () => pool.ask(question, Number.POSITIVE_INFINITY);
  expect(await ask()).toMatchObject({ kind: "answer", rows: [{ metrics: [1] }] });
  await pool.letGo();
  expect(opened(generationPath(directory, 1))).toBe(1);
  await makeGeneration(directory, 2);
  expect(opened(generationPath(directory, 1))).toBe(1);
  await pool.letGo();
  expect(opened(generationPath(directory, 1))).toBe(0);
  expect(await ask()).toMatchObject({ kind: "answer", rows: [{ metrics: [1] }] });
});
