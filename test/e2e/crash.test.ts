// Killed processes under load: every acknowledged event is counted exactly once, and an import goes on by itself.

import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { makeBigLog } from "./big-log.ts";
import { startLoad } from "./load.ts";
import { Running, Server, until } from "./server.ts";

const LINES = 1_000_000;
const TIMEOUT_MS = 400_000;
/** To fold what was imported takes a minute on a busy machine. */
const FOLD_PATIENCE_MS = 180_000;
/** The crash comes in the middle of the import, when this many events are in the log. */
const MIDDLE = LINES / 4;

interface Crash {
  readonly name: string;
  readonly kill: (server: Server, data: string) => Promise<Server>;
}

const CRASHES: readonly Crash[] = [
  { name: "the api process", kill: async (server) => killed(server, "api") },
  { name: "the projector", kill: async (server) => killed(server, "projector") },
  {
    name: "the supervisor, which is then started again",
    kill: async (server, data) => {
      await server.stop("SIGKILL");
      return Server.start(data, ["--port", String(server.port)]);
    },
  },
];

test.for(CRASHES)(
  "kill -9 of $name in the middle of an import and of single events",
  { timeout: TIMEOUT_MS },
  async ({ kill }) => {
    const data = temporaryDirectory();
    const log = makeBigLog(temporaryDirectory(), LINES);
    let server = await Server.start(data);
    const importing = new Running([
      ...["import", "--url", server.url, "--data", data, "--site", "web"],
      ...["--include-assets", "--include-bots", log.path],
    ]);
    const load = startLoad(server.url, "single");
    await until(
      "the import is under way",
      async () => Number((await server.getJson("/health")).log_end) > MIDDLE || undefined,
    );
    expect(load.acknowledged.size).toBeGreaterThan(0);

    server = await kill(server, data);

    const before = load.acknowledged.size;
    await until("single events are taken again", () => load.acknowledged.size > before + 1000 || undefined);
    expect(await importing.finished).toMatchObject({ code: 0 });
    await load.stop();
    await server.caughtUp(FOLD_PATIENCE_MS);
    expect(await server.getJson("/stats?site_id=web")).toMatchObject({
      total_views: log.views,
      unique_users: log.users,
    });
    expect(await server.getJson("/stats?site_id=single")).toMatchObject({
      total_views: load.acknowledged.size,
      unique_users: load.acknowledged.size,
    });
    expect(await server.stop()).toMatchObject({ code: 0 });
  },
);

async function killed(server: Server, name: "api" | "projector"): Promise<Server> {
  await server.killChild(name);
  return server;
}
