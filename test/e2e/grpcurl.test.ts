// grpcurl against a real server, without proto files: reflection tells it everything.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { needsCommand } from "../needs.ts";
import { sharedServer } from "./server.ts";

const server = sharedServer();
beforeEach(({ skip }) => needsCommand(skip, "grpcurl", "-version"));

test("lists all services", async () => {
  expect((await grpcurl("list")).split("\n")).toEqual([
    "analytics.v1.AnalyticsService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ]);
});

test("describes a service, a method and a message", async () => {
  const service = await grpcurl("describe", "analytics.v1.AnalyticsService");
  for (const rpc of ["IngestEvent", "IngestEvents", "IngestEventStream", "GetStats", "GetStatus"]) {
    expect(service).toContain(`rpc ${rpc} (`);
  }
  expect(await grpcurl("describe", "analytics.v1.AnalyticsService.GetStats")).toContain("GetStatsRequest");
  expect(await grpcurl("describe", ".analytics.v1.IngestEventRequest")).toContain("string site_id = 1");
});

test("stores events and reads their statistics", async () => {
  const event = { site_id: "shop", event_type: "page_view", path: "/pricing", user_id: "u1", event_id: "e1" };
  const call = ["-d", JSON.stringify(event)];
  for (const _ of ["once", "again"]) {
    expect(JSON.parse(await grpcurl(...call, "analytics.v1.AnalyticsService/IngestEvent"))).toEqual({
      message: "Event received",
      eventId: "e1",
    });
  }
  await server().caughtUp();
  const question = ["-d", '{"site_id": "shop"}', "analytics.v1.AnalyticsService/GetStats"];
  expect(JSON.parse(await grpcurl(...question))).toEqual({
    siteId: "shop",
    totalViews: "1",
    uniqueUsers: "1",
    topPaths: [{ path: "/pricing", views: "1" }],
  });
});

test("gets the health, and an error with its reason", async () => {
  expect(JSON.parse(await grpcurl("grpc.health.v1.Health/Check"))).toEqual({ status: "SERVING" });
  const invalid = grpcurl("-d", '{"site_id": "shop"}', "analytics.v1.AnalyticsService/IngestEvent");
  await expect(invalid).rejects.toMatchObject({
    stderr: expect.stringMatching(/InvalidArgument[\s\S]*Missing required field: event_type/),
  });
});

/** Flags come first, then the server's address, then what is asked. */
async function grpcurl(...args: string[]): Promise<string> {
  const flagsEnd = args[0] === "-d" ? 2 : 0;
  const address = `127.0.0.1:${server().port}`;
  const all = ["-plaintext", ...args.slice(0, flagsEnd), address, ...args.slice(flagsEnd)];
  return (await promisify(execFile)("grpcurl", all)).stdout.trim();
}
