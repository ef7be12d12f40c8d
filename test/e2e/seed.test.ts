// Every curl example of the older service's README, as it is written there but for the port.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { sharedServer } from "./server.ts";

const server = sharedServer();

const FULL_EVENT = `curl -X POST http://localhost:5000/event \\
  -H "Content-Type: application/json" \\
  -d '{
    "site_id": "site-abc-123",
    "event_type": "page_view",
    "path": "/pricing",
    "user_id": "user-xyz-789",
    "timestamp": "2025-11-12T19:30:01Z"
  }'`;
const MINIMAL_EVENT = `curl -X POST http://localhost:5000/event \\
  -H "Content-Type: application/json" \\
  -d '{
    "site_id": "site-abc-123",
    "event_type": "page_view"
  }'`;
const TIP = (path: string) =>
  `curl -X POST http://localhost:5000/event -H "Content-Type: application/json" -d '{"site_id": "tips", "event_type": "page_view", "path": "${path}"}'`;

test("POST /event takes a full event and a minimal one, and both are in the statistics", async () => {
  expect(await shell(FULL_EVENT)).toEqual({ status: 200, body: { message: "Event received" } });
  expect(await shell(MINIMAL_EVENT)).toEqual({ status: 200, body: { message: "Event received" } });
  await server().caughtUp();
  expect(await shell(`curl "http://localhost:5000/stats?site_id=site-abc-123"`)).toEqual({
    status: 200,
    body: {
      site_id: "site-abc-123",
      date: null,
      total_views: 2,
      unique_users: 1,
      top_paths: [{ path: "/pricing", views: 1 }],
    },
  });
  expect(await shell(`curl "http://localhost:5000/stats?site_id=site-abc-123&date=2025-11-12"`)).toEqual({
    status: 200,
    body: {
      site_id: "site-abc-123",
      date: "2025-11-12",
      total_views: 1,
      unique_users: 1,
      top_paths: [{ path: "/pricing", views: 1 }],
    },
  });
});

test("POST /event names the field that is missing", async () => {
  const body = '{"event_type": "page_view"}';
  expect(await shell(`curl -X POST http://localhost:5000/event -d '${body}'`)).toEqual({
    status: 400,
    body: { error: "Missing required field: site_id" },
  });
});

test("GET /stats of a site that was never seen is zeros", async () => {
  expect(await shell(`curl "http://localhost:5000/stats?site_id=nonexistent-site"`)).toEqual({
    status: 200,
    body: { site_id: "nonexistent-site", date: null, total_views: 0, unique_users: 0, top_paths: [] },
  });
});

test("GET /stats says what is wrong with the question", async () => {
  expect(await shell(`curl "http://localhost:5000/stats"`)).toEqual({
    status: 400,
    body: { error: "Missing required parameter: site_id" },
  });
  expect(await shell(`curl "http://localhost:5000/stats?site_id=site-abc-123&date=invalid-date"`)).toEqual({
    status: 400,
    body: { error: "Invalid date format. Expected YYYY-MM-DD" },
  });
});

test("GET /health is healthy and counts what waits", async () => {
  expect(await shell("curl http://localhost:5000/health")).toMatchObject({
    status: 200,
    body: { status: "healthy", service: "ingestion_api", queue_size: expect.any(Number) },
  });
});

test("the testing tips rank the paths by views", async () => {
  for (const path of ["/pricing", "/blog", "/pricing"]) await shell(TIP(path));
  await server().caughtUp();
  expect((await server().getJson("/stats?site_id=tips")).top_paths).toEqual([
    { path: "/pricing", views: 2 },
    { path: "/blog", views: 1 },
  ]);
});

/** Runs a curl example against the server; its status, and its body read as JSON. */
async function shell(example: string): Promise<{ status: number; body: unknown }> {
  const command = example
    .replace("curl ", "curl -sS -w '\\n%{http_code}' ")
    .replace(":5000/", `:${server().port}/`);
  const { stdout } = await promisify(execFile)("bash", ["-c", command]);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), body: JSON.parse(stdout.slice(0, end)) };
}
