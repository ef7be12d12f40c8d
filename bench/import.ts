// `import`: an access log of a million lines, from the file to the read model, by the real command into the real
// server, each in processes of their own. All that was sent must be stored, and counted.

import { join } from "node:path";
import { makeAccessLog } from "./access-log.ts";
import type { Figure, Surroundings } from "./benchmark.ts";
import { NodeProcess } from "./node-process.ts";
import { watchUsage } from "./process-usage.ts";
import { startServer } from "./server.ts";

const SITE = "bench";
/** The goals: events per second from the file to the read model, and the peak memory of any process, in MB. */
const GOAL_EVENTS_PER_SECOND = 40_000;
const GOAL_PEAK_MB = 300;

export async function benchmarkImport(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, directory, cleanup, note } = surroundings;
  const file = join(directory, "access.log");
  const log = await makeAccessLog(file, settings.log, settings.lines);
  note(`${settings.lines.toLocaleString("en")} lines, ${Math.round(log.bytes / 1e6)} MB`);

  const server = await startServer(surroundings);
  let importer: NodeProcess | undefined;
  const watch = cleanup.use(
    watchUsage(
      new Map([
        ["supervisor", () => server.pid],
        ["import", () => importer?.pid],
      ]),
    ),
  );
  const startedAt = performance.now();
  importer = new NodeProcess(importArguments(server.url, directory, file), surroundings);
  const summary = await importer.output();
  const sentAt = performance.now();
  const sent = sentIn(summary);
  const stored = await server.folded(sent);
  const foldedAt = performance.now();
  note(summary.trim().replaceAll("\n", ", "));
  const views = await server.views(SITE);
  if (sent !== log.views || stored !== sent || views !== sent) {
    throw new Error(`the file has ${log.views} views, ${sent} sent, ${stored} in the log, ${views} counted`);
  }

  return [
    {
      name: "from the file to the read model",
      value: sent / ((foldedAt - startedAt) / 1000),
      unit: "events/s",
      limit: { kind: "at_least", value: GOAL_EVENTS_PER_SECOND },
    },
    {
      name: "from the file to the log",
      value: sent / ((sentAt - startedAt) / 1000),
      unit: "events/s",
    },
    { name: "events, each stored and counted once", value: views, unit: "events" },
    ...[...watch.usage()].flatMap(([name, { peakMb, cpuSeconds }]): Figure[] => [
      {
        name: `peak memory of ${name}`,
        value: peakMb,
        unit: "MB",
        limit: { kind: "at_most", value: GOAL_PEAK_MB },
      },
      { name: `CPU time of ${name}`, value: (cpuSeconds / sent) * 1e6, unit: "µs/event" },
    ]),
  ];
}

function importArguments(url: string, directory: string, file: string): string[] {
  const options = ["--include-assets", "--include-bots", "--site", SITE, "--url", url];
  return ["src/main.ts", "import", ...options, "--key-file", join(directory, "import.key"), file];
}

function sentIn(summary: string): number {
  const text = /^([\d,]+) events sent$/m.exec(summary)?.[1];
  if (text === undefined) throw new Error(`the import does not say how much it sent:\n${summary}`);
  return Number(text.replaceAll(",", ""));
}
