// Fuzzes a real server:
//
//   npm run fuzz -- --connections 10000
//   npm run fuzz -- --connections 500 --seed 1234
//
// It prints its seed, which makes the same connections again.

import { Command, InvalidArgumentError } from "commander";
import { Server } from "../server-process.ts";
import { type AtEnd, temporaryDirectory } from "../temporary.ts";
import { fuzz } from "./fuzz.ts";

const MIB = 1024 * 1024;

const program = new Command("fuzz")
  .description("Sends a server what no client should send.")
  .option("--connections <number>", "how many connections", parseCount, 10_000)
  .option("--seed <number>", "which connections", parseCount, Date.now() % 2 ** 31)
  .parse();
const { connections, seed } = program.opts<{ connections: number; seed: number }>();

const cleanUps: Parameters<AtEnd>[0][] = [];
const atEnd: AtEnd = (cleanUp) => cleanUps.unshift(cleanUp);
const inMiB = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
try {
  process.stdout.write(`seed ${seed}, ${connections} connections\n`);
  const data = temporaryDirectory(atEnd);
  const server = await Server.start(data, ["--port", "0"], atEnd);
  const startedAt = Date.now();
  const report = await fuzz({
    ...{ server, data, connections, seed },
    onProgress: (done, rss) => {
      if (done % 1000 === 0) process.stdout.write(`${done} connections, ${inMiB(rss)}\n`);
    },
  });
  process.stdout.write(
    `the server stood it: ${report.connections} connections in ${Math.round((Date.now() - startedAt) / 1000)} s, ` +
      `${report.acknowledged} events acknowledged, ${report.inLog} in the log, ` +
      `memory ${inMiB(report.warmRssBytes)} when warm and ${inMiB(report.maxRssBytes)} at most after, ` +
      `health in ${Math.round(report.slowestHealthMs)} ms at most\n`,
  );
} finally {
  for (const cleanUp of cleanUps) await cleanUp();
}

function parseCount(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}
