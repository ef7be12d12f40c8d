// The README's tour, run as it is written but for the port: each command, and the answer that stands below it.

import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { needsCommand } from "../needs.ts";
import { temporaryDirectory } from "../temporary.ts";
import { Server } from "./server.ts";

const PROJECT = join(import.meta.dirname, "../..");
/** A block of code, and the block of what it prints, when that follows it next. */
const TOUR = /^```(sh|ts) tour\n(.*?)^```\n(?:\n```(json|text)\n(.*?)^```\n)?/gms;

test("every command of the tour prints what the README says", async ({ skip }) => {
  needsCommand(skip, "grpcurl", "-version");
  const server = await Server.start(temporaryDirectory());
  const readme = readFileSync(join(PROJECT, "README.md"), "utf8");
  const blocks = [...readme.matchAll(TOUR)];
  expect(blocks.length).toBeGreaterThan(10);
  for (const [, language, source = "", format, printed = ""] of blocks) {
    const code = source.replaceAll("localhost:5000", `localhost:${server.port}`);
    const stdout = language === "ts" ? await runTypeScript(code) : await runShell(code);
    await server.caughtUp();
    if (format === "json") expect(JSON.parse(stdout), source).toEqual(JSON.parse(printed));
    if (format === "text") expect(stdout, source).toBe(printed);
  }
});

async function runShell(code: string): Promise<string> {
  const quietCurl = 'curl() { command curl -sS "$@"; }';
  return (await promisify(execFile)("bash", ["-e", "-c", `${quietCurl}\n${code}`])).stdout;
}

/** Its imports are relative to the project. */
async function runTypeScript(code: string): Promise<string> {
  const file = join(PROJECT, `tour-${process.pid}.ts`);
  writeFileSync(file, code);
  onTestFinished(() => rmSync(file, { force: true }));
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return stdout;
}
