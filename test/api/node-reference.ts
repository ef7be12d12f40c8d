// What the port is compared with: a server of node:http2 with the full handlers over fakes of its own, whose sessions are
// its own from the socket on.

import { once } from "node:events";
import http from "node:http";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createHandlers } from "../../src/api/handlers.ts";
import { setPeer } from "../../src/api/session-peer.ts";
import { type FakeIngest, fakes, silentLogger } from "./fakes.ts";

/** Opens one that is closed when the test has finished. */
export async function openReference(): Promise<{ readonly port: number; readonly ingest: FakeIngest }> {
  const world = fakes();
  const { handler } = createHandlers({
    ...world,
    drain: new AbortController().signal,
    logger: silentLogger,
  });
  // As the port has them.
  const settings = {
    initialWindowSize: 1024 * 1024,
    maxConcurrentStreams: 1000,
    maxHeaderListSize: http.maxHeaderSize,
  };
  const server = createServer({ settings }, handler);
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    setPeer(session, session.socket);
    session.setLocalWindowSize(4 * 1024 * 1024);
    session.once("close", () => sessions.delete(session));
  });
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, ingest: world.ingest };
}
