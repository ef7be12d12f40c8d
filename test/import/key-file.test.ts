import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openKey } from "../../src/import/key-file.ts";

let directory: string;
let warnings: string[];
const warn = (text: string) => warnings.push(text);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "footfall-key-"));
  warnings = [];
});
afterEach(() => rm(directory, { recursive: true }));

describe("the key file", () => {
  test("is made on first use, for its owner's eyes only, and is the same from then on", async () => {
    const path = join(directory, "data", "import.key");
    const key = await openKey(path, warn);
    expect(key).toHaveLength(32);
    expect(await openKey(path, warn)).toEqual(key);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "data"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(directory, "data"))).toEqual(["import.key"]);
    expect(warnings).toEqual([]);
  });

  test("is one, also when several imports make it at once", async () => {
    const path = join(directory, "import.key");
    const keys = await Promise.all(Array.from({ length: 8 }, () => openKey(path, warn)));
    expect(new Set(keys.map((key) => key.toString("hex")))).toHaveLength(1);
  });

  test("gets a warning when others may read it", async () => {
    const path = join(directory, "import.key");
    await openKey(path, warn);
    await chmod(path, 0o640);
    await openKey(path, warn);
    expect(warnings).toEqual([`Others may read the key file ${path}; chmod 600 it`]);
  });

  test("is refused when it is too short", async () => {
    const path = join(directory, "import.key");
    await writeFile(path, "secret", { mode: 0o600 });
    await expect(openKey(path, warn)).rejects.toMatchObject({
      name: "ImportError",
      code: "key_file",
      message: `The key file ${path} is too short: 6 bytes instead of 32`,
    });
  });

  test("is refused when it cannot be read", async () => {
    await expect(openKey(directory, warn)).rejects.toMatchObject({
      name: "ImportError",
      code: "key_file",
      message: expect.stringContaining(directory),
    });
  });
});
