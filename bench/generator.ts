// Makes load with the best generator that is installed, on a core of its own, so that what is measured is the server.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { autocannon } from "./autocannon.ts";
import type { Surroundings } from "./benchmark.ts";
import { h2load } from "./h2load.ts";
import { isInstalled } from "./installed.ts";
import type { Load, LoadRequest, LoadResult, LoadTool } from "./load.ts";
import { pinned } from "./pinning.ts";
import { endedChildrenSeconds } from "./process-usage.ts";
import { Program } from "./program.ts";
import { wrk } from "./wrk.ts";

const TOOLS: Readonly<Record<LoadRequest["protocol"], readonly LoadTool[]>> = {
  http1: [wrk, h2load],
  http2: [h2load],
};

/** What makes load of this kind; undefined when nothing here can. */
export function toolFor(protocol: LoadRequest["protocol"]): LoadTool | undefined {
  const installed = TOOLS[protocol].find(({ name }) => isInstalled(name));
  return installed ?? (protocol === "http1" ? autocannon : undefined);
}

/** Throws when a request is not answered with success. No other child of this process may end meanwhile. */
export async function makeLoad(load: Load, surroundings: Surroundings): Promise<LoadResult> {
  const { directory } = surroundings;
  const tool = toolFor(load.request.protocol);
  if (!tool) throw new Error("there is no load generator for HTTP/2: install h2load (nghttp2-client)");
  const bodyFile = join(directory, "body");
  writeFileSync(bodyFile, load.request.body);
  const secondsBefore = endedChildrenSeconds();
  const program = new Program(pinned("generator", tool.command(load, bodyFile, directory)), surroundings);
  const { accepted, perSecond } = tool.read(await program.output());
  if (accepted === 0) throw new Error(`${load.url}${load.request.path} answered nothing`);
  const cpuShare = (endedChildrenSeconds() - secondsBefore) / load.seconds;
  return { accepted, perSecond, cpuShare, unanswered: load.connections };
}
