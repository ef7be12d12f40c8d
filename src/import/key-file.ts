// The key that makes user ids out of client addresses. Whoever has it can find the address of a user id by trying
// all of them, so it is for its owner's eyes only; whoever loses it sees every visitor as a new one.

import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ImportError, reasonOf, systemCode } from "./import-error.ts";

/** The name of the key file within the data directory, unless the user names another. */
export const KEY_FILE_NAME = "import.key";

/** As long as the hash that it keys; a shorter one is refused. */
const KEY_BYTES = 32;
const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const OTHERS = 0o077;

/**
 * The key in `path`, which is made if it does not exist. `warn` hears of a file that others may read.
 * Throws an ImportError if it can neither be read nor made.
 */
export async function openKey(path: string, warn: (text: string) => void): Promise<Buffer> {
  try {
    const key = (await readIfExists(path)) ?? (await makeKey(path));
    if (key.length < KEY_BYTES) {
      throw new ImportError(
        "key_file",
        `The key file ${path} is too short: ${key.length} bytes instead of ${KEY_BYTES}`,
      );
    }
    const { mode } = await stat(path);
    if ((mode & OTHERS) !== 0) warn(`Others may read the key file ${path}; chmod 600 it`);
    return key;
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw new ImportError("key_file", `The key file ${path} cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

async function readIfExists(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Makes the key under a temporary name and links it into place when it is on disk: so the key file is whole or absent,
 * and of two imports that make one at once both take the first.
 */
async function makeKey(path: string): Promise<Buffer> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: OWNER_ONLY_DIRECTORY });
  const temporary = join(directory, `.import-key-${randomBytes(8).toString("hex")}`);
  try {
    const file = await open(temporary, "wx", OWNER_ONLY);
    try {
      await file.writeFile(randomBytes(KEY_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await linkUnlessExists(temporary, path);
  } finally {
    await unlink(temporary).catch(() => {});
  }
  await syncDirectory(directory);
  return await readFile(path);
}

async function linkUnlessExists(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (systemCode(error) !== "EEXIST") throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
