import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { MarkWatch } from "../../src/projector/mark-watch.ts";
import { temporaryDirectory } from "../temporary.ts";

/** Longer than a test may take: what ends sooner was woken. */
const NEVER_MS = 600_000;

function open(pollMs = NEVER_MS): { path: string; watch: MarkWatch; stop: AbortController } {
  const path = join(temporaryDirectory(), "durable");
  const stop = new AbortController();
  const watch = new MarkWatch(path, stop.signal, pollMs);
  onTestFinished(() => watch.close());
  return { path, stop, watch };
}

test("does not wait before it watches, as a change may have been missed", async () => {
  await open().watch.wait();
});

test("wakes when the mark is made, written, replaced, and written again", async () => {
  const { path, watch } = open();
  await watch.wait();
  const changes = [
    () => writeFileSync(path, "made"),
    () => writeFileSync(path, "written"),
    () => {
      writeFileSync(`${path}.new`, "another");
      renameSync(`${path}.new`, path);
    },
    () => writeFileSync(path, "written"),
    () => writeFileSync(path, "written again"),
  ];
  for (const change of changes) {
    const waiting = watch.wait();
    change();
    await waiting;
  }
});

test("does not miss a change between two waits", async () => {
  const { path, watch } = open();
  writeFileSync(path, "made");
  await watch.wait();
  writeFileSync(path, "written between");
  await watch.wait();
});

test("looks by itself after a while", async () => {
  const { path, watch } = open(10);
  writeFileSync(path, "made");
  await watch.wait();
  await watch.wait();
});

test("does not wait any more when it is to stop", async () => {
  const { path, watch, stop } = open();
  writeFileSync(path, "made");
  await watch.wait();
  const waiting = watch.wait();
  stop.abort();
  await waiting;
  await watch.wait();
});
