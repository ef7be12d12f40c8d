// A projector that does not keep up, as it is stopped: ingestion goes on, health says how far behind statistics are,
// and all is counted in the end.

import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { startLoad } from "./load.ts";
import { Server, until } from "./server.ts";

const args = ["--port", "0", "--degraded-lag", "1s"];

interface Shown {
  readonly status: unknown;
  readonly reason?: unknown;
  readonly queue_size: number;
  readonly lag_ms: number;
}

async function health(server: Server): Promise<Shown> {
  const { status, reason, queue_size, lag_ms } = await server.getJson("/health");
  return { status, reason, queue_size: Number(queue_size), lag_ms: Number(lag_ms) };
}

/** GetStatus, over the Connect protocol. */
async function getStatus(server: Server): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/analytics.v1.AnalyticsService/GetStatus`, {
    ...{ method: "POST", body: "{}" },
    headers: { "Content-Type": "application/json" },
  });
  return (await response.json()) as Record<string, unknown>;
}

/** The process id of the projector. */
function projectorOf(server: Server): Promise<number> {
  return until("there is a projector", () => server.child("projector"));
}

/** Resolves when health says `status`, to what else it says. */
function saysStatus(server: Server, status: string): Promise<Shown> {
  return until(`health says ${status}`, async () => {
    const shown = await health(server);
    return shown.status === status ? shown : undefined;
  });
}

test("while the projector stands still, ingestion goes on and health tells of the lag; then all is counted", async () => {
  const server = await Server.start(temporaryDirectory(), args);
  const projector = await projectorOf(server);
  await saysStatus(server, "healthy");
  process.kill(projector, "SIGSTOP");
  const load = startLoad(server.url, "s");
  try {
    const degraded = await saysStatus(server, "degraded");
    expect(degraded.reason).toMatch(/^the statistics are \d+ ms behind$/);
    expect(degraded.lag_ms).toBeGreaterThan(1000);
    expect(degraded.queue_size).toBeGreaterThan(0);
    const { state, reason, backlog, lagMs } = await getStatus(server);
    expect({ state, reason }).toEqual({
      state: "SERVICE_STATE_DEGRADED",
      reason: expect.stringMatching(/^the statistics are \d+ ms behind$/),
    });
    expect(Number(backlog)).toBeGreaterThanOrEqual(degraded.queue_size);
    expect(Number(lagMs)).toBeGreaterThanOrEqual(degraded.lag_ms);

    const before = load.acknowledged.size;
    await until("events are still taken in", () => load.acknowledged.size > before + 100 || undefined);
    expect(load.failures).toBe(0);
  } finally {
    process.kill(projector, "SIGCONT");
    await load.stop();
  }
  await saysStatus(server, "healthy");
  await server.caughtUp();
  const stats = await server.getJson("/stats?site_id=s");
  expect(stats).toMatchObject({ total_views: load.acknowledged.size, unique_users: load.acknowledged.size });
  expect(server.child("projector")).toBe(projector);
});

test("a projector that keeps being killed is told to be down, with nothing to fold, and healthy when it is back", async () => {
  const server = await Server.start(temporaryDirectory(), args);
  await saysStatus(server, "healthy");
  let isDown = false;
  // The supervisor starts it again after 100 ms, then 200 ms, and so on: at some time the gap is seen.
  while (!isDown) {
    const pid = await projectorOf(server);
    process.kill(pid, "SIGKILL");
    await until("the killed projector is gone", () => server.child("projector") !== pid || undefined);
    const shown = await health(server);
    isDown = shown.status === "degraded";
    if (isDown) expect(shown.reason).toBe("the projector is down: it ended without a word");
    expect(shown.queue_size).toBe(0);
  }
  await saysStatus(server, "healthy");
});

test("an api that is started again is told that the projector is down", async () => {
  const server = await Server.start(temporaryDirectory(), args);
  let isTold = false;
  while (!isTold) {
    // Killed more often than the api, the projector stays away for longer than the api needs to start: in the end.
    for (let kills = 0; kills < 4; kills += 1) {
      process.kill(await projectorOf(server), "SIGKILL");
      await gone(server);
    }
    process.kill(await until("there is an api", () => server.child("api")), "SIGKILL");
    const shown = await until("the new api answers", () => health(server).catch(() => undefined));
    isTold = shown.reason === "the projector is down: it ended without a word";
  }
  await saysStatus(server, "healthy");
});

function gone(server: Server): Promise<boolean> {
  return until("there is no projector", () => server.child("projector") === undefined || undefined);
}
