import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** Takes what is to be done at the end, of the test or of whatever else; the last one given is done first. */
export type AtEnd = (cleanUp: () => void | Promise<void>) => void;

/** A directory that is removed at the end. */
export function temporaryDirectory(atEnd: AtEnd = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), "footfall-test-"));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
