// The real server, as its users start it, with a data directory of its own.

import { join } from "node:path";
import { pause } from "../src/pause.ts";
import type { Surroundings } from "./benchmark.ts";
import { NodeProcess } from "./node-process.ts";
import { pin } from "./pinning.ts";
import { childNamed } from "./process-usage.ts";

/** How often it is asked whether it has folded everything, in ms. */
const POLL_MS = 50;

export interface ServerOptions {
  /** The name of its data directory. */
  readonly data?: string;
  /** Without the projector nothing is folded. */
  readonly role?: "ingest,report";
  /** Gives its api process the server's core. The projector stays where the system puts it. */
  readonly isPinned?: boolean;
}

export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly logDirectory: string;
  readonly hasProjector: boolean;
  /** Resolves to the end of the log when all up to there is folded, and that is at least `events`. */
  folded(events: number): Promise<number>;
  logEnd(): Promise<number>;
  /** The views of a site, of all time. */
  views(site: string): Promise<number>;
  stop(): Promise<void>;
}

export async function startServer(
  surroundings: Surroundings,
  { data: name = "data", role, isPinned = false }: ServerOptions = {},
): Promise<Server> {
  const data = join(surroundings.directory, name);
  const args = ["src/main.ts", "serve", "--port", "0", "--data", data];
  const child = new NodeProcess(role ? [...args, "--role", role] : args, surroundings);
  const [, url = ""] = await child.printed(/^footfall ready on (\S+)$/m);
  if (isPinned) pin("server", childNamed(child.pid, "api"));
  const { signal } = surroundings;
  return {
    url,
    pid: child.pid,
    logDirectory: join(data, "log"),
    hasProjector: role === undefined,
    async folded(events) {
      while (true) {
        const health = await getJson(`${url}/health`, signal);
        const end = numberIn(health, "log_end");
        const isFolded = numberIn(health, "queue_size") === 0 && numberIn(health, "projected") === end;
        if (isFolded && end >= events) return end;
        await pause(POLL_MS, signal);
      }
    },
    async logEnd() {
      return numberIn(await getJson(`${url}/health`, signal), "log_end");
    },
    async views(site) {
      return numberIn(
        await getJson(`${url}/stats?site_id=${encodeURIComponent(site)}`, signal),
        "total_views",
      );
    },
    stop: () => child.stop(),
  };
}

async function getJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
  return await response.json();
}

function numberIn(json: unknown, name: string): number {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(json ?? {}));
  const value = fields.get(name);
  if (typeof value !== "number") throw new Error(`an answer has no number ${name}`);
  return value;
}
