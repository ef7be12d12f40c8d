// Making the statistics anew while events come in and questions are asked.

import http from "node:http";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { makeBigLog } from "./big-log.ts";
import { startLoad } from "./load.ts";
import { footfall, Running, Server, until } from "./server.ts";

const LINES = 1_100_000;

test("a rebuild beside a busy server: no request fails, and the numbers are the same", {
  timeout: 400_000,
}, async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const log = makeBigLog(temporaryDirectory(), LINES);
  const flags = ["--site", "web", "--include-assets", "--include-bots"];
  expect(await footfall(["import", "--url", server.url, "--data", data, ...flags, log.path])).toMatchObject({
    code: 0,
  });
  await server.caughtUp();
  const before = await server.getJson("/stats?site_id=web&limit=1000");
  expect(before).toMatchObject({ total_views: log.views });
  expect(log.views).toBeGreaterThanOrEqual(1_000_000);

  const load = startLoad(server.url, "single");
  const asking = startAsking(`${server.url}/stats?site_id=web&limit=1000`);
  const interrupted = new Running(["rebuild", "--data", data]);
  await until("the rebuild is under way", () => server.stderr.includes('"generation":2') || undefined);
  interrupted.process.kill("SIGINT");
  expect(await interrupted.finished).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("the statistics are as before; the same command again goes on"),
  });
  const rebuilt = await footfall(["rebuild", "--data", data]);
  expect(rebuilt).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^the statistics were made anew from [\d,]+ events/),
  });
  await load.stop();
  expect(load.failures).toBe(0);
  const answers = await asking.stop();
  expect(answers.size, "every answer was the same, before, during and after").toBe(1);
  await server.caughtUp();
  expect(await server.getJson("/stats?site_id=web&limit=1000")).toEqual(before);
  expect(await server.getJson("/stats?site_id=single")).toMatchObject({
    total_views: load.acknowledged.size,
  });

  await server.stop();
  expect(await footfall(["rebuild", "--data", data])).toMatchObject({ code: 0 });
  const again = await Server.start(data);
  expect(await again.getJson("/stats?site_id=web&limit=1000")).toEqual(before);
});

test("a running server refuses a rebuild with another window than its own", async () => {
  const data = temporaryDirectory();
  await Server.start(data);
  expect(await footfall(["rebuild", "--data", data, "--dedupe-window", "3d"])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining(
      "the running server has another --dedupe-window: restart it with this one",
    ),
  });
  expect(await footfall(["rebuild", "--data", data, "--dedupe-window", "7d"])).toMatchObject({ code: 0 });
});

/** Asks again and again; at the end, the different answers that there were. */
function startAsking(url: string): { stop(): Promise<ReadonlySet<string>> } {
  const agent = new http.Agent({ keepAlive: true });
  const answers = new Set<string>();
  let isStopped = false;
  const asking = (async () => {
    while (!isStopped) answers.add(await get(agent, url));
  })();
  return {
    stop: async () => {
      isStopped = true;
      await asking;
      agent.destroy();
      return answers;
    },
  };
}

function get(agent: http.Agent, url: string): Promise<string> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve(error.message);
    http
      .get(url, { agent }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text) => {
          body += text;
        });
        response.on("end", () => resolve(`${response.statusCode} ${body}`));
        response.on("error", failed);
      })
      .on("error", failed);
  });
}
