// A folder, a fake server, and an import between them.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { type ImportOptions, runImport } from "../../src/import/import.ts";
import type { ImportSummary } from "../../src/import/summary.ts";
import { type FakeServer, startFakeServer } from "./fake-server.ts";

export interface Outcome {
  readonly summary: ImportSummary;
  readonly stdout: string;
  readonly stderr: string;
}

export class Workbench {
  readonly server: FakeServer;
  readonly directory: string;
  /** What the last import wrote to stderr, also when it failed. */
  stderr = "";

  private constructor(server: FakeServer, directory: string) {
    this.server = server;
    this.directory = directory;
  }

  static async open(): Promise<Workbench> {
    return new Workbench(await startFakeServer(), await mkdtemp(join(tmpdir(), "footfall-import-")));
  }

  async close(): Promise<void> {
    await this.server.close();
    await rm(this.directory, { recursive: true });
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.path(name), content);
    return this.path(name);
  }

  async read(name: string): Promise<string> {
    return await readFile(this.path(name), "latin1");
  }

  /** The stored paths, in order. */
  storedPaths(): string[] {
    return [...this.server.stored.values()].map(({ path }) => path);
  }

  /** Imports `files`, with all flags off unless `options` says otherwise. */
  async run(
    files: string[],
    options: Partial<ImportOptions> = {},
    io: { stdin?: Readable; signal?: AbortSignal; isTTY?: boolean } = {},
  ): Promise<Outcome> {
    const stdout = new Sink();
    const stderr = new Sink();
    try {
      const summary = await runImport(
        {
          url: this.server.url,
          site: "site",
          files,
          keyFile: this.path("import.key"),
          includeAssets: false,
          includeBots: false,
          again: false,
          ...options,
        },
        {
          stdin: io.stdin ?? Readable.from([]),
          stdout,
          stderr,
          isTTY: io.isTTY ?? false,
          signal: io.signal ?? new AbortController().signal,
        },
      );
      return { summary, stdout: stdout.text, stderr: stderr.text };
    } finally {
      this.stderr = stderr.text;
    }
  }
}

class Sink extends Writable {
  text = "";

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    this.text += String(chunk);
    done();
  }
}
