// Logs of every released version are read for ever: test/data/log-v1/ is one of format version 1, made by
// test/data/make-golden-log.ts, and is never changed.

import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type LogFiles, nodeLogFiles } from "../../src/log/files.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { goldenJson, makeGoldenLog } from "../data/make-golden-log.ts";
import { temporaryDirectory } from "../temporary.ts";
import { append, readIds, verify } from "./log-fixture.ts";

const DATA = join(import.meta.dirname, "../data");
const LOG = join(DATA, "log-v1");
const LINES = join(DATA, "log-v1.jsonl");
const RECORDS = 82;

/** The events of a log as JSON lines. */
async function linesOf(files: LogFiles): Promise<string> {
  const reader = await readFromStart(files);
  let lines = "";
  for (let next = await reader?.next(); next; next = await reader?.next()) {
    let offset = next.frame.header.firstOffset;
    for (const { record } of decodeRecords(next.frame)) {
      if (record.case === "event") lines += `${JSON.stringify(goldenJson(offset, record.value))}\n`;
      offset += 1;
    }
  }
  await reader?.close();
  return lines;
}

function digest(directory: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(directory).sort())
    hash.update(name).update(readFileSync(join(directory, name)));
  return hash.digest("hex");
}

async function copyOfLog(): Promise<LogFiles> {
  const copy = join(temporaryDirectory(), "log");
  cpSync(LOG, copy, { recursive: true });
  return nodeLogFiles(copy);
}

test("the log of version 1 is as it was made", () => {
  expect(digest(LOG)).toBe("32207d73097a0ead2a365db44aacb0b05d9e37b254ed67ee5708486624e0d630");
  expect(createHash("sha256").update(readFileSync(LINES)).digest("hex")).toBe(
    "3baf6155f9f62d4feb70ae2e8eb6bb9ad9df5c9699b34408a1228e8ca8751b99",
  );
});

test("a log of version 1 is read to the last field of its last event", async () => {
  expect(await linesOf(await nodeLogFiles(LOG))).toBe(readFileSync(LINES, "utf8"));
});

test("a log of version 1 is whole", async () => {
  expect(await verify(await nodeLogFiles(LOG))).toMatchObject({
    ...{ logId: "0198c0de-0000-7000-8000-0123456789ab", segments: 5, frames: 10, records: RECORDS },
    ...{ firstOffset: 0, endOffset: RECORDS, isToEnd: true, torn: undefined, problems: [] },
  });
});

test("a log of version 1 is opened and appended to", async () => {
  const files = await copyOfLog();
  const { log } = await openLog(files);
  expect(log.end).toBe(RECORDS);
  await append(log, ["new"], log.lastReceivedAtMs + 1);
  await log.close();
  expect((await linesOf(files)).startsWith(readFileSync(LINES, "utf8"))).toBe(true);
  expect((await readIds(files)).slice(RECORDS)).toEqual(["new"]);
  expect((await verify(files)).problems).toEqual([]);
});

test("the writer still writes version 1, byte for byte", async () => {
  const made = join(temporaryDirectory(), "log");
  expect(await makeGoldenLog(made)).toBe(readFileSync(LINES, "utf8"));
  expect(digest(made)).toBe(digest(LOG));
});
