import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ImportState } from "../../src/import/import-state.ts";

const PAGES = { assets: false, bots: false };
const ALL = { assets: true, bots: true };

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "footfall-state-"));
  path = join(directory, "import.key.state");
});
afterEach(() => rm(directory, { recursive: true }));

const LONG = 1_000_000;

/** Opens the state for a log that ends at `offset`, lets `use` have it, and closes it. */
async function withState<T>(
  logId: string,
  use: (state: ImportState) => T | Promise<T>,
  offset = LONG,
): Promise<T> {
  const state = await ImportState.open(path);
  try {
    await state.use({ logId, offset });
    return await use(state);
  } finally {
    await state.close();
  }
}

describe("the import state", () => {
  test("remembers over runs what is finished", async () => {
    await withState("log", (state) => state.record(["one", "two"], PAGES, 10));
    await withState("log", (state) => state.record(["two"], ALL, 10));
    expect(
      await withState("log", (state) => [state.finished("one"), state.finished("two"), state.finished("x")]),
    ).toEqual([[PAGES], [PAGES, ALL], []]);
  });

  test("knows nothing about the log of another server", async () => {
    await withState("log", (state) => state.record(["one"], PAGES, 10));
    expect(await withState("other", (state) => state.finished("one"))).toEqual([]);
  });

  test("forgets what stands behind the end of its log, also when the log grows on, and nothing of another log", async () => {
    await withState("log", async (state) => {
      await state.record(["one"], PAGES, 10);
      await state.record(["two"], PAGES, 20);
    });
    await withState("other", (state) => state.record(["two"], PAGES, 20));
    const state = await ImportState.open(path);
    expect(await state.use({ logId: "log", offset: 10 })).toEqual({ lost: 1, unknown: 0 });
    await state.record(["three"], PAGES, 15);
    await state.close();
    const known = (logId: string) =>
      withState(logId, (opened) => ["one", "two", "three"].map((end) => opened.finished(end).length));
    expect(await known("log")).toEqual([1, 0, 1]);
    expect(await known("other")).toEqual([0, 1, 0]);
  });

  test("keeps entries of earlier versions, of which it is not known where they stand", async () => {
    await writeFile(path, '{"log":"log","end":"one","assets":false,"bots":false}\n');
    const state = await ImportState.open(path);
    expect(await state.use({ logId: "log", offset: 0 })).toEqual({ lost: 0, unknown: 1 });
    expect(state.finished("one")).toEqual([PAGES]);
    await state.close();
  });

  test("does not grow by what it knows already", async () => {
    await withState("log", (state) => state.record(["one"], PAGES, 10));
    const before = await readFile(path);
    await withState("log", (state) => state.record(["one"], PAGES, 10));
    expect(await readFile(path)).toEqual(before);
  });

  test("survives a torn last line, and whatever else is no entry", async () => {
    await writeFile(path, 'junk\n\n[1]\nnull\n{"log":"log","end":1,"assets":false,"bots":false}\n');
    await withState("log", (state) => state.record(["one"], PAGES, 10));
    await appendFile(path, '{"log":"log","end":"to');
    await withState("log", (state) => state.record(["two"], PAGES, 10));
    expect(await withState("log", (state) => [state.finished("one"), state.finished("two")])).toEqual([
      [PAGES],
      [PAGES],
    ]);
  });

  test("may be used by two imports at once", async () => {
    await Promise.all(
      ["a", "b"].map((name) =>
        withState("log", async (state) => {
          for (let number = 0; number < 100; number++) await state.record([`${name}${number}`], PAGES, 10);
        }),
      ),
    );
    expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(200);
    expect(await withState("log", (state) => state.finished("b99"))).toEqual([PAGES]);
  });

  test("is for its owner's eyes only", async () => {
    await withState("log", () => {});
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("that cannot be opened is an error that names it", async () => {
    path = directory;
    await expect(ImportState.open(path)).rejects.toMatchObject({
      name: "ImportError",
      code: "key_file",
      message: expect.stringContaining(directory),
    });
  });
});
