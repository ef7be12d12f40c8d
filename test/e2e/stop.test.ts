// Stopping a server that is under load.

import http from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { post } from "./load.ts";
import { footfall, Server, spawnServer, until } from "./server.ts";

const SENDERS = 16;
/** The promise is 5 s; what is measured here has also the time of the test's own busy process in it. */
const LIMIT_MS = 5000;

test.for(["SIGTERM", "SIGINT"] as const)(
  "%s under load: no request is without an answer, what was acknowledged is in the log, and the exit code is 0",
  async (signal) => {
    const data = temporaryDirectory();
    const server = await Server.start(data);
    const agent = new http.Agent({ keepAlive: true });
    const acknowledged: string[] = [];
    const ends: (number | string)[] = [];
    /** Sends until there is no success: how that looked. */
    const send = async (sender: number) => {
      for (let n = 0; ; n += 1) {
        const id = `${sender}-${n}`;
        const event = { site_id: "s", event_type: "page_view", event_id: id };
        const outcome = await post(agent, `${server.url}/event`, JSON.stringify(event));
        if (outcome !== 200) return outcome;
        acknowledged.push(id);
      }
    };
    const senders = Array.from({ length: SENDERS }, async (_, sender) => ends.push(await send(sender)));
    await until("the load is under way", () => acknowledged.length > 2000 || undefined);

    const startedAt = performance.now();
    const { code, stderr } = await server.stop(signal);
    expect(code).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(LIMIT_MS);
    await Promise.all(senders);
    agent.destroy();
    // Refused at the door, as nobody listens any more: never an answer that was cut off.
    expect(new Set(ends)).toEqual(new Set(["ECONNREFUSED"]));
    expect(stderr).not.toMatch(/"level":(40|50|60)/);

    const { stdout } = await footfall(["log", "cat", "--data", data]);
    const stored = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event_id);
    expect(stored.sort()).toEqual(acknowledged.sort());
  },
);

test("SIGTERM to `npm start` stops the server", async () => {
  const root = join(import.meta.dirname, "../..");
  const flags = ["--port", "0", "--data", temporaryDirectory()];
  const { server, closed, url } = await spawnServer("npm", ["--prefix", root, "start", "--", ...flags]);
  server.kill("SIGTERM");
  // Resolves when the pipes are closed, which all processes of the server hold.
  expect(await closed).toEqual([0, null]);
  await expect(fetch(`${url}/health`)).rejects.toThrow("fetch failed");
});
