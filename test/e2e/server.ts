// A real `footfall serve`, or another command of the command line, that ends with the test.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { beforeAll, onTestFinished } from "vitest";
import {
  type Finished,
  Running as RunningProcess,
  Server as ServerProcess,
  until,
} from "../server-process.ts";
import { type AtEnd, temporaryDirectory } from "../temporary.ts";

export { until };

/** Runs a command of the command line to its end. */
export async function footfall(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return new Running(args, env).finished;
}

/** A command of the command line, started. It is killed at the end. */
export class Running extends RunningProcess {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, atEnd: AtEnd = onTestFinished) {
    super(args, env, atEnd);
  }
}

/** Starts a server by a command of the test's own, and kills it at the end; resolves when it says that it is ready. */
export async function spawnServer(command: string, args: readonly string[]) {
  const server = spawn(command, args);
  const closed = once(server, "close");
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await closed;
  });
  server.stderr.resume();
  let said = "";
  server.stdout.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const url = await until("the server is ready", () => /footfall ready on (\S+)/.exec(said)?.[1]);
  return { server, closed, url };
}

export type Server = ServerProcess;

export const Server = {
  /** Starts a server on `data`, on a free port unless one is given; resolves when it says that it is ready. */
  start(data: string, args: readonly string[] = ["--port", "0"], atEnd: AtEnd = onTestFinished) {
    return ServerProcess.start(data, args, atEnd);
  },
};

/** A server for all tests of a file or a group, on a data directory of its own. */
export function sharedServer(): () => Server {
  let server: Server | undefined;
  beforeAll(async () => {
    const cleanUps: Parameters<AtEnd>[0][] = [];
    const atEnd: AtEnd = (cleanUp) => cleanUps.unshift(cleanUp);
    server = await Server.start(temporaryDirectory(atEnd), undefined, atEnd);
    return async () => {
      for (const cleanUp of cleanUps) await cleanUp();
    };
  });
  return () => {
    if (!server) throw new Error("the server is not started yet");
    return server;
  };
}
