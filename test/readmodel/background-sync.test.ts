import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BackgroundSync } from "../../src/readmodel/background-sync.ts";
import { temporaryDirectory } from "../temporary.ts";

/** How often this process has a file open. */
function timesOpen(path: string): number {
  const targetOf = (descriptor: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`);
    } catch {
      return ""; // that of the listing itself
    }
  };
  return readdirSync("/proc/self/fd").filter((descriptor) => targetOf(descriptor) === path).length;
}

test.runIf(process.platform === "linux")(
  "one sync is under way at a time, and leaves nothing open",
  async () => {
    const path = join(temporaryDirectory(), "file");
    writeFileSync(path, Buffer.alloc(4 * 1024 * 1024));
    const sync = new BackgroundSync(path);
    let most = 0;
    for (let time = 0; time < 50 || (most === 0 && time < 100_000); time += 1) {
      for (let again = 0; again < 3; again += 1) sync.start();
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, timesOpen(path));
    }
    expect(most).toBe(1);
    await sync.settle();
    expect(timesOpen(path)).toBe(0);
  },
);

test("a file that is not there is nobody's problem", async () => {
  const sync = new BackgroundSync(join(temporaryDirectory(), "nothing"));
  sync.start();
  await expect(sync.settle()).resolves.toBeUndefined();
});
