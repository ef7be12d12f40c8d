// The servers to compare with, each a process on the server's core. Each is asked once whether it does what it is to.

import { isDeepStrictEqual } from "node:util";
import type { Surroundings } from "./benchmark.ts";
import { copyAnswer } from "./copied-answer.ts";
import type { LoadRequest } from "./load.ts";
import { NodeProcess } from "./node-process.ts";

/** Resolves to the URL of an empty handler that answers as the server at `realUrl` does, which is asked once. */
export async function startEmptyHandler(
  realUrl: string,
  request: LoadRequest,
  surroundings: Surroundings,
): Promise<string> {
  const { signal } = surroundings;
  const answer = await copyAnswer(realUrl, request, signal);
  const url = await start(["bench/empty-handler.ts", request.protocol, JSON.stringify(answer)], surroundings);
  if (!isDeepStrictEqual(await copyAnswer(url, request, signal), answer)) {
    throw new Error(`the empty handler answers ${request.path} otherwise than the server does`);
  }
  return url;
}

/** Resolves to the URL of a connect-node handler that does nothing. */
export async function startConnectHandler(request: LoadRequest, surroundings: Surroundings): Promise<string> {
  const url = await start(["bench/connect-handler.ts", request.protocol], surroundings);
  await copyAnswer(url, request, surroundings.signal);
  return url;
}

async function start(args: readonly string[], surroundings: Surroundings): Promise<string> {
  const child = new NodeProcess(args, surroundings, "server");
  const [, url = ""] = await child.printed(/^ready on (\S+)$/m);
  return url;
}
