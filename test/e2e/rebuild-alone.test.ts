// `footfall rebuild` and `footfall log cat` without a server: they end when they are done, refused or interrupted.

import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeLogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { RecordEncoder } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { generationPath } from "../../src/readmodel/generations.ts";
import { append, event } from "../log/log-fixture.ts";
import { temporaryDirectory } from "../temporary.ts";
import { footfall, Running, until } from "./server.ts";

test("a log that was pruned is rebuilt only when the loss is accepted, also when there are no statistics", async () => {
  const data = temporaryDirectory();
  const files = await nodeLogFiles(join(data, "log"));
  const { log } = await openLog(files, 1);
  for (const id of ["a", "b", "c"]) await append(log, [id]);
  await log.close();
  rmSync(join(files.directory, segmentName(0)));

  expect(await footfall(["rebuild", "--data", data])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/the log begins at offset 1: .*--accept-loss/),
  });
  expect(await footfall(["rebuild", "--data", data, "--accept-loss"])).toMatchObject({ code: 0 });
  // Another window is another identity: there are statistics, but none to go on with.
  const other = ["rebuild", "--data", data, "--dedupe-window", "3d"];
  expect(await footfall(other)).toMatchObject({ code: 1, stderr: expect.stringContaining("--accept-loss") });
  expect(await footfall([...other, "--accept-loss"])).toMatchObject({ code: 0 });
});

test("Ctrl-C ends it, and what was built is gone on with", async () => {
  const data = temporaryDirectory();
  const files = await nodeLogFiles(join(data, "log"));
  const { log } = await openLog(files);
  const encoder = new RecordEncoder();
  for (let frame = 0; frame < 60; frame += 1) {
    const events = Array.from({ length: 5000 }, (_, n) => event(`${frame}-${n}`, 1000));
    await log.append({ groups: [encoder.encode(events)], receivedAtMs: 1000 });
  }
  await log.close();
  const interrupted = new Running(["rebuild", "--data", data]);
  await until("it has begun", () => existsSync(generationPath(data, 1)) || undefined);
  interrupted.process.kill("SIGINT");
  expect(await interrupted.finished).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("interrupted"),
  });
  expect(await footfall(["rebuild", "--data", data])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("300,000 events"),
  });

  // A reader that has enough is no error.
  const cat = new Running(["log", "cat", "--data", data]);
  cat.process.stdout?.once("data", () => cat.process.stdout?.destroy());
  expect(await cat.finished).toMatchObject({ code: 0, stderr: "" });
});
