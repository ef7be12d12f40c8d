import fs from "node:fs/promises";
import { onTestFinished, vi } from "vitest";

/** The paths that are synced from now on through file handles, in order. */
export function recordSyncs(): string[] {
  const synced: string[] = [];
  const open = fs.open;
  const spy = vi.spyOn(fs, "open").mockImplementation(async (path, ...rest) => {
    const file = await open(path, ...rest);
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await sync();
      synced.push(String(path));
    };
    return file;
  });
  onTestFinished(() => spy.mockRestore());
  return synced;
}
